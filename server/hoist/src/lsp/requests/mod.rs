//! One module for each request: a function of a snapshot and the request's parameters, nothing else.

pub(super) mod text;
