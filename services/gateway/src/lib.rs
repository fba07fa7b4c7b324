#![doc = include_str!("../README.md")]

pub mod api_client;
pub mod bridge;
pub mod catalog;
pub mod command_line;
pub mod config;
pub mod contract_status;
pub mod envelope;
pub mod http;
pub mod identity;
pub mod json_log;
pub mod mcp;
pub mod openclaw;
pub mod serve;
pub mod tool_error;
pub mod toolbox;
