//! Ctrl-C and SIGTERM: the first ends reading, so that what is known is printed; the second ends the program.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use egret_capture::Stopper;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{flag, low_level::pipe};

/// Which signal came, if one did.
pub(crate) struct Interrupted(Arc<AtomicUsize>);

impl Interrupted {
    /// The exit code of a program that a signal ended, by the shells' convention: 128 and its number.
    pub(crate) fn exit_code(&self) -> Option<u8> {
        let signal = u8::try_from(self.0.load(Ordering::Relaxed)).ok()?;
        (signal > 0).then_some(128 | signal)
    }
}

/// Lets the signals stop a capture.
///
/// # Errors
/// The system's, when a handler cannot be installed.
pub(crate) fn stop_on_signal(stopper: &Stopper) -> io::Result<Interrupted> {
    let came = Arc::new(AtomicBool::new(false));
    let which = Arc::new(AtomicUsize::new(0));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the default action is taken when the flag is set already, that is, the second time.
        flag::register_conditional_default(signal, Arc::clone(&came))?;
        flag::register(signal, Arc::clone(&came))?;
        let number = usize::try_from(signal).map_err(io::Error::other)?;
        flag::register_usize(signal, Arc::clone(&which), number)?;
        pipe::register(signal, stopper.as_fd().try_clone_to_owned()?)?;
    }
    Ok(Interrupted(which))
}
