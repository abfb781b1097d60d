//! One test for each rule of decoding, over packets built by hand.

#[cfg(test)]
mod build;
#[cfg(test)]
mod checksum;
#[cfg(test)]
mod dns;
#[cfg(test)]
mod line;
#[cfg(test)]
mod link;
#[cfg(test)]
mod listing;
#[cfg(test)]
mod net;
#[cfg(test)]
mod transport;
#[cfg(test)]
mod tunnel;
