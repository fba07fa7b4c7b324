//! The language server: what `check` finds, as it is typed, with completion, hover and definitions.
//!
//! One thread reads messages in order. Texts that an editor has open take the place of those on disk; the whole project
//! is read again after each change, with what its documents say kept between the readings.

use std::path::Path;

use lsp_server::{Connection, ErrorCode, Message, Notification, Request, Response};
use lsp_types::{
    CompletionOptions, CompletionParams, DidChangeTextDocumentParams, DidCloseTextDocumentParams,
    DidOpenTextDocumentParams, GotoDefinitionParams, GotoDefinitionResponse, HoverParams,
    HoverProviderCapability, InitializeParams, OneOf, PublishDiagnosticsParams, SaveOptions,
    ServerCapabilities, TextDocumentPositionParams, TextDocumentSyncCapability, TextDocumentSyncKind,
    TextDocumentSyncOptions, TextDocumentSyncSaveOptions, Uri,
};
use serde_json::Value;

use crate::root::Root;

mod completion;
mod cursor;
mod definition;
mod hover;
mod known;
mod names;
mod place;
mod project;

use project::Open;

/// Why the server ended otherwise than asked.
#[derive(Debug, thiserror::Error)]
pub enum LspError {
    /// The editor and the server do not understand each other.
    #[error("the editor broke the protocol: {0}")]
    Protocol(#[from] lsp_server::ProtocolError),
    /// A message could not be read or written as JSON.
    #[error("a message could not be read or written: {0}")]
    Json(#[from] serde_json::Error),
    /// Standard input or output is gone.
    #[error("the connection to the editor broke: {0}")]
    Connection(#[from] std::io::Error),
    /// The editor has gone away.
    #[error("the editor has gone away")]
    Gone,
}

/// Serves an editor on standard input and output. `start` is a folder of the project, where the editor names none.
///
/// # Errors
/// The connection breaks, or the editor does not follow the protocol.
pub fn serve(start: &Path) -> Result<(), LspError> {
    let (connection, threads) = Connection::stdio();
    let params = connection.initialize(serde_json::to_value(capabilities())?)?;
    let params: InitializeParams = serde_json::from_value(params)?;
    let folders = params.workspace_folders.unwrap_or_default();
    let folder = folders.first().and_then(|folder| place::path_of(&folder.uri));
    let root = Root::find(folder.as_deref().unwrap_or(start)).or_else(|_| Root::find(start));
    Server { connection: &connection, open: root.ok().map(Open::new) }.run()?;
    drop(connection);
    threads.join()?;
    Ok(())
}

fn capabilities() -> ServerCapabilities {
    let sync = TextDocumentSyncOptions {
        open_close: Some(true),
        change: Some(TextDocumentSyncKind::FULL),
        save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions { include_text: Some(false) })),
        ..TextDocumentSyncOptions::default()
    };
    let triggers = [" ", ":", "/", "{", "$", "#", "-"].map(str::to_owned);
    ServerCapabilities {
        text_document_sync: Some(TextDocumentSyncCapability::Options(sync)),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(triggers.to_vec()),
            ..CompletionOptions::default()
        }),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        definition_provider: Some(OneOf::Left(true)),
        ..ServerCapabilities::default()
    }
}

struct Server<'c> {
    connection: &'c Connection,
    /// Nothing when the editor's folder is no project.
    open: Option<Open>,
}

impl Server<'_> {
    fn run(&mut self) -> Result<(), LspError> {
        self.publish()?;
        while let Ok(message) = self.connection.receiver.recv() {
            match message {
                Message::Request(request) => {
                    if self.connection.handle_shutdown(&request)? {
                        return Ok(());
                    }
                    let response = self.answer(request);
                    self.send(Message::Response(response))?;
                }
                Message::Notification(told) => {
                    let changed = self.take(told);
                    // Of several changes that wait only the last is worth a reading.
                    if changed && self.connection.receiver.is_empty() {
                        self.publish()?;
                    } else if changed && let Some(open) = &mut self.open {
                        open.stale = true;
                    }
                }
                Message::Response(_) => {}
            }
            if self.connection.receiver.is_empty() && self.open.as_ref().is_some_and(|open| open.stale) {
                self.publish()?;
            }
        }
        Ok(())
    }

    fn send(&self, message: Message) -> Result<(), LspError> {
        self.connection.sender.send(message).map_err(|_| LspError::Gone)
    }

    /// Takes note of what the editor says; true when the texts have changed.
    fn take(&mut self, told: Notification) -> bool {
        let Some(open) = &mut self.open else { return false };
        let Notification { method, params } = told;
        match method.as_str() {
            "textDocument/didOpen" => read::<DidOpenTextDocumentParams>(params)
                .is_some_and(|it| open.write(&it.text_document.uri, it.text_document.text)),
            "textDocument/didChange" => read::<DidChangeTextDocumentParams>(params).is_some_and(|mut it| {
                let text = it.content_changes.pop().map(|change| change.text);
                text.is_some_and(|text| open.write(&it.text_document.uri, text))
            }),
            "textDocument/didClose" => {
                read::<DidCloseTextDocumentParams>(params).is_some_and(|it| open.close(&it.text_document.uri))
            }
            "textDocument/didSave" | "workspace/didChangeWatchedFiles" => open.reload(),
            _ => false,
        }
    }

    /// Reads the project again and tells the editor what is wrong with it.
    fn publish(&mut self) -> Result<(), LspError> {
        let Some(open) = &mut self.open else { return Ok(()) };
        let news: Vec<(Uri, Vec<lsp_types::Diagnostic>)> = open.read();
        for (uri, diagnostics) in news {
            let params = PublishDiagnosticsParams { uri, diagnostics, version: None };
            let told = Notification::new("textDocument/publishDiagnostics".to_owned(), params);
            self.send(Message::Notification(told))?;
        }
        Ok(())
    }

    fn answer(&mut self, request: Request) -> Response {
        let Request { id, method, params } = request;
        let Some(open) = &mut self.open else { return Response::new_ok(id, Value::Null) };
        if open.stale {
            open.refresh();
        }
        match method.as_str() {
            "textDocument/completion" => {
                let items = read::<CompletionParams>(params)
                    .map(|it| at(open, &it.text_document_position, completion::items).unwrap_or_default());
                Response::new_ok(id, items)
            }
            "textDocument/hover" => {
                let found = read::<HoverParams>(params)
                    .and_then(|it| at(open, &it.text_document_position_params, hover::hover).flatten());
                Response::new_ok(id, found)
            }
            "textDocument/definition" => {
                let found = read::<GotoDefinitionParams>(params)
                    .and_then(|it| at(open, &it.text_document_position_params, definition::find).flatten());
                Response::new_ok(id, found.map(GotoDefinitionResponse::Scalar))
            }
            other => {
                let message = format!("`{other}` is not understood");
                Response::new_err(id, ErrorCode::MethodNotFound as i32, message)
            }
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(params: Value) -> Option<T> {
    serde_json::from_value(params).ok()
}

/// Asks about a position in a text of the project.
fn at<T>(open: &Open, position: &TextDocumentPositionParams, ask: fn(&project::Spot<'_>) -> T) -> Option<T> {
    let path = open.relative(&position.text_document.uri)?;
    let source = open.texts.get(&path)?;
    let offset = place::offset(source, position.position);
    Some(ask(&project::Spot { open, source, offset }))
}
