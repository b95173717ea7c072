//! One module for each request: a function of a snapshot and the request's parameters, nothing else.

pub(super) mod code_action;
pub(super) mod code_lens;
pub(super) mod completion;
pub(super) mod hover;
pub(super) mod import_hover;
pub(super) mod inlay_hint;
pub(super) mod output;
pub(super) mod remote_completion;
pub(super) mod remote_hover;
pub(super) mod targets;
pub(super) mod text;
