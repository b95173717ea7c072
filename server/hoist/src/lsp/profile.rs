//! What was agreed on with the client: what it can do, what it wants, and what we announce.

use hoist_syntax::Encoding;
use serde::Deserialize;
use serde_json::json;
use tower_lsp::ls_types::{
    ClientCapabilities, CodeActionKind, CodeActionOptions, CodeActionProviderCapability,
    CodeLensOptions, CompletionOptions, ExecuteCommandOptions, HoverProviderCapability,
    InitializeParams, InitializeResult, OneOf, ResourceOperationKind, SaveOptions,
    ServerCapabilities, ServerInfo, TextDocumentSyncCapability, TextDocumentSyncKind,
    TextDocumentSyncOptions, TextDocumentSyncSaveOptions, WorkDoneProgressOptions,
    WorkspaceFoldersServerCapabilities, WorkspaceServerCapabilities,
};

use super::{ext, from_proto, to_proto};

/// What a client can do and wants.
#[derive(Debug, Clone, Default)]
pub(super) struct Profile {
    /// The unit of positions.
    pub(super) encoding: Encoding,
    /// What it can do of ours.
    pub(super) announced: ext::Announced,
    /// What its user wants.
    pub(super) options: ext::Options,
    /// It shows progress that the server begins.
    pub(super) progress: bool,
    /// It opens documents when asked.
    pub(super) show_document: bool,
    /// It can be told that lenses changed.
    pub(super) refresh_lenses: bool,
    /// It shows where else in a diagnostic.
    pub(super) related_information: bool,
    /// It can watch files for us.
    pub(super) watches_files: bool,
    /// Code actions may be more than commands.
    pub(super) code_action_literals: bool,
    /// A change that it is given may make files.
    pub(super) creates_files: bool,
    /// It renders Markdown in hovers.
    pub(super) markdown: bool,
}

impl Profile {
    /// Reads it from the first request.
    pub(super) fn new(params: &InitializeParams) -> Self {
        let capabilities = &params.capabilities;
        let offered = capabilities
            .general
            .as_ref()
            .and_then(|general| general.position_encodings.as_deref());
        // What does not read is not announced: a client's mistake there must not keep the server from starting.
        let announced = capabilities
            .experimental
            .as_ref()
            .and_then(|value| ext::Experimental::deserialize(value).ok())
            .unwrap_or_default()
            .hoist;
        let options = params
            .initialization_options
            .as_ref()
            .and_then(|value| ext::Options::deserialize(value).ok())
            .unwrap_or_default();
        Self {
            encoding: from_proto::encoding(offered),
            announced,
            options,
            ..Self::of_capabilities(capabilities)
        }
    }

    fn of_capabilities(capabilities: &ClientCapabilities) -> Self {
        let window = capabilities.window.as_ref();
        let workspace = capabilities.workspace.as_ref();
        let text = capabilities.text_document.as_ref();
        Self {
            progress: window.and_then(|w| w.work_done_progress) == Some(true),
            show_document: window
                .and_then(|w| w.show_document.as_ref())
                .is_some_and(|show| show.support),
            refresh_lenses: workspace
                .and_then(|w| w.code_lens.as_ref())
                .and_then(|lens| lens.refresh_support)
                == Some(true),
            watches_files: workspace
                .and_then(|w| w.did_change_watched_files.as_ref())
                .and_then(|watch| watch.dynamic_registration)
                == Some(true),
            related_information: text
                .and_then(|t| t.publish_diagnostics.as_ref())
                .and_then(|publish| publish.related_information)
                == Some(true),
            code_action_literals: text
                .and_then(|t| t.code_action.as_ref())
                .is_some_and(|action| action.code_action_literal_support.is_some()),
            creates_files: workspace
                .and_then(|w| w.workspace_edit.as_ref())
                .filter(|edit| edit.document_changes == Some(true))
                .and_then(|edit| edit.resource_operations.as_ref())
                .is_some_and(|kinds| kinds.contains(&ResourceOperationKind::Create)),
            markdown: text
                .and_then(|t| t.hover.as_ref())
                .and_then(|hover| hover.content_format.as_ref())
                .is_some_and(|kinds| kinds.contains(&tower_lsp::ls_types::MarkupKind::Markdown)),
            ..Self::default()
        }
    }

    /// The answer to the first request.
    pub(super) fn answer(&self) -> InitializeResult {
        InitializeResult {
            capabilities: self.capabilities(),
            server_info: Some(ServerInfo {
                name: "hoist".to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            }),
            offset_encoding: None,
        }
    }

    fn capabilities(&self) -> ServerCapabilities {
        ServerCapabilities {
            position_encoding: Some(to_proto::encoding(self.encoding)),
            text_document_sync: Some(TextDocumentSyncCapability::Options(
                TextDocumentSyncOptions {
                    open_close: Some(true),
                    change: Some(TextDocumentSyncKind::INCREMENTAL),
                    save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions {
                        include_text: Some(false),
                    })),
                    ..TextDocumentSyncOptions::default()
                },
            )),
            inlay_hint_provider: Some(OneOf::Left(true)),
            // Of the configuration, and of paths of targets in Python files, where there is nothing else that a language server of
            // Python would not know better. No name of Python has a slash: a list of names that is open is not disturbed.
            completion_provider: Some(CompletionOptions {
                trigger_characters: Some(["\"", "'", "[", ".", "/"].map(str::to_owned).to_vec()),
                ..CompletionOptions::default()
            }),
            hover_provider: Some(HoverProviderCapability::Simple(true)),
            code_lens_provider: Some(CodeLensOptions {
                resolve_provider: Some(false),
            }),
            code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
                code_action_kinds: Some(vec![
                    CodeActionKind::QUICKFIX,
                    CodeActionKind::REFACTOR_REWRITE,
                    CodeActionKind::EMPTY,
                ]),
                ..CodeActionOptions::default()
            })),
            execute_command_provider: Some(ExecuteCommandOptions {
                commands: ext::command::ALL.map(str::to_owned).to_vec(),
                work_done_progress_options: WorkDoneProgressOptions::default(),
            }),
            workspace: Some(WorkspaceServerCapabilities {
                workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                    supported: Some(true),
                    change_notifications: Some(OneOf::Left(true)),
                }),
                file_operations: None,
            }),
            experimental: Some(json!(ext::ServerExperimental {
                hoist: ext::ServerAnnounced {
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                },
            })),
            ..ServerCapabilities::default()
        }
    }
}
