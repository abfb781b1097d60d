//! The programs in the project's README, compiled as its doctests. There is nothing to use here.
#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;
