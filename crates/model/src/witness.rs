//! Which exchange says so.

use serde::{Deserialize, Serialize};

/// An exchange that stands behind a claim: where to look it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Witness {
    /// Where it was captured: the number under which [`Model::source`](crate::Model::source) has the name.
    pub source: u64,
    /// The id of its connection.
    pub connection: u64,
    /// Which exchange on the connection, from 0.
    pub index: u64,
    /// The numbers of the first and the last packet of the request.
    pub request: (u64, u64),
    /// The numbers of the first and the last packet of the response.
    pub response: (u64, u64),
}
