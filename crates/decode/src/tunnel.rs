//! Headers that carry another packet or frame inside them.

pub(crate) mod vlan;
