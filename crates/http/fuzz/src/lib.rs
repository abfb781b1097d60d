//! What holds for any input of egret-http, as functions that panic where it does not: the fuzz targets call them with
//! inputs that libFuzzer makes up, and the crate's tests with the conversations of the fixtures.
//!
//! A [`Script`](script::Script) is what a connection is told, call by call; it can be run in any cut, be read from the
//! bytes of an input and be written as such, and be taken from a capture.

pub mod captured;
pub mod checker;
pub mod laws;
pub mod outcome;
pub mod script;
