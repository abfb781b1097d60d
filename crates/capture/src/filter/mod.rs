//! Filter expressions, in the language of tcpdump (pcap-filter(7)).
//!
//! Promises: the same expression selects the same packets live, where the kernel runs it, and from a file, where it is
//! run here; it is compiled by libpcap once for each link type. Refuses: to guess; an expression that libpcap does not
//! understand is an error with libpcap's words.

mod locate;
mod program;

use crate::link_type::{from_dlt, to_dlt};
use crate::{Error, LinkType, Packet};
use program::{Instruction, Program};

/// A filter for files.
#[derive(Debug)]
pub(crate) struct Filter {
    expression: String,
    /// What the expression means for each link type seen; `None` where libpcap finds it has no meaning.
    programs: Vec<(LinkType, Option<Program>)>,
}

/// What the filter says of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Pass,
    Reject,
    /// The expression has a meaning for other link types of this capture, but not for this one.
    NoMeaning,
}

impl Filter {
    /// Compiles an expression for the link types that are known already.
    pub(crate) fn new(expression: &str, link_types: impl Iterator<Item = LinkType>) -> Result<Self, Error> {
        let mut filter = Self { expression: expression.to_owned(), programs: Vec::new() };
        for link_type in link_types {
            filter.add(link_type)?;
        }
        if filter.programs.is_empty() {
            // Nothing has been read yet. What does not even parse is refused now; what means nothing for Ethernet may
            // still mean something for the link type to come.
            match compile(expression, LinkType::ETHERNET) {
                Err(error @ Error::Filter { .. }) if is_syntax_error(&error) => return Err(error),
                _ => {}
            }
        }
        Ok(filter)
    }

    /// Whether the packet passes.
    pub(crate) fn decide(&mut self, packet: &Packet<'_>) -> Result<Decision, Error> {
        let known = self.programs.iter().position(|(link_type, _)| *link_type == packet.link_type);
        let index = match known {
            Some(index) => index,
            None => {
                self.add(packet.link_type)?;
                self.programs.len() - 1
            }
        };
        Ok(match self.programs.get(index) {
            Some((_, Some(program))) if program.matches(packet.data, packet.wire_len) => Decision::Pass,
            Some((_, Some(_))) => Decision::Reject,
            _ => Decision::NoMeaning,
        })
    }

    /// Compiles for one more link type. That this fails is the user's mistake if it is the first; later it only says
    /// that packets of this kind cannot be meant.
    fn add(&mut self, link_type: LinkType) -> Result<(), Error> {
        if self.programs.iter().any(|(known, _)| *known == link_type) {
            return Ok(());
        }
        let program = match compile(&self.expression, link_type) {
            Ok(program) => Some(program),
            Err(_) if self.programs.iter().any(|(_, program)| program.is_some()) => None,
            Err(error) => return Err(error),
        };
        self.programs.push((link_type, program));
        Ok(())
    }
}

/// Compiles an expression for packets of a link type.
fn compile(expression: &str, link_type: LinkType) -> Result<Program, Error> {
    let compiled = pcap::Capture::dead(pcap::Linktype(to_dlt(link_type)))
        .and_then(|handle| handle.compile(expression, true))
        .map_err(|error| self::error(expression, link_type, error))?;
    let instructions = compiled.get_instructions().iter().map_while(|compiled| parse(&compiled.to_string()));
    Ok(Program::new(instructions.collect()))
}

/// Reads an instruction from its text, "code jt jf k": the pcap crate gives its fields in no other way without `unsafe`.
fn parse(text: &str) -> Option<Instruction> {
    let mut fields = text.split(' ');
    let mut field = || fields.next()?.parse::<u32>().ok();
    Some(Instruction {
        code: u16::try_from(field()?).ok()?,
        jump_true: u8::try_from(field()?).ok()?,
        jump_false: u8::try_from(field()?).ok()?,
        k: field()?,
    })
}

/// The error for an expression that libpcap refused.
pub(crate) fn error(expression: &str, link_type: LinkType, error: pcap::Error) -> Error {
    let message = match error {
        pcap::Error::PcapError(message) => message,
        pcap::Error::InvalidInputString => "the expression contains a zero byte".to_owned(),
        other => other.to_string(),
    };
    let parses = |expression: &str| {
        pcap::Capture::dead(pcap::Linktype(to_dlt(link_type)))
            .is_ok_and(|handle| handle.compile(expression, false).is_ok())
    };
    let position = locate::position(expression, &message, parses);
    Error::Filter { expression: expression.to_owned(), message, position, link_type }
}

fn is_syntax_error(error: &Error) -> bool {
    matches!(error, Error::Filter { message, .. } if message.contains("syntax error"))
}

/// The link type of a live handle.
pub(crate) fn link_type_of(handle: &pcap::Capture<pcap::Active>) -> LinkType {
    from_dlt(handle.get_datalink().0)
}

#[cfg(test)]
mod tests;
