//! Ctrl-C and SIGTERM: the first ends reading, so that what is known is printed; the second ends the program.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use egret_capture::Stopper;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{flag, low_level::pipe};

/// Whether a signal came.
pub(crate) struct Interrupted(Arc<AtomicBool>);

impl Interrupted {
    pub(crate) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Lets the signals stop a capture.
///
/// # Errors
/// The system's, when a handler cannot be installed.
pub(crate) fn stop_on_signal(stopper: &Stopper) -> io::Result<Interrupted> {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the default action is taken when the flag is set already, that is, the second time.
        flag::register_conditional_default(signal, Arc::clone(&interrupted))?;
        flag::register(signal, Arc::clone(&interrupted))?;
        pipe::register(signal, stopper.as_fd().try_clone_to_owned()?)?;
    }
    Ok(Interrupted(interrupted))
}
