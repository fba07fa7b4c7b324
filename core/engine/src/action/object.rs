//! `object`: the lane's bucket, through the S3 API.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::DisplayErrorContext;
use aws_sdk_s3::primitives::ByteStream;
use drillyard_spec::drill::{Body, Object, ObjectOperation};
use drillyard_spec::template::fill_value;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::action::http::as_text;
use crate::action::{Done, Scene};

/// Carries out the operation. Answers have `exists`, and where it applies `size`, `sha256`, `etag`, `content_type`,
/// `text`, `json`, `keys` and `count`.
pub async fn perform(object: &Object, scene: &Scene<'_>) -> Done {
    let resolved = fill_value(&Value::String(object.key.clone()), scene.names)
        .and_then(|key| Ok((as_text(key), content(object, scene)?)));
    let (key, bytes) = match resolved {
        Ok(resolved) => resolved,
        Err(reason) => return Done::unresolved("object", reason),
    };
    let operation = format!("{:?}", object.operation).to_lowercase();
    let what = json!({ "object": operation, "key": key });
    let Some(access) = scene.lane.objects() else {
        return Done { what, answer: Err("the topology has no object store".to_owned()) };
    };
    let client = access.client();
    let bucket = access.bucket.as_str();
    let answer = match object.operation {
        ObjectOperation::Put => put(&client, (bucket, &key), bytes, object.content_type.clone()).await,
        ObjectOperation::Get => get(&client, (bucket, &key)).await,
        ObjectOperation::Head => head(&client, (bucket, &key)).await,
        ObjectOperation::List => list(&client, (bucket, &key)).await,
        ObjectOperation::Delete => delete(&client, (bucket, &key)).await,
    };
    Done { what, answer }
}

fn content(object: &Object, scene: &Scene<'_>) -> Result<Vec<u8>, String> {
    Ok(match &object.content {
        Body::Empty => Vec::new(),
        Body::Json(value) => fill_value(value, scene.names)?.to_string().into_bytes(),
        Body::Text(text) => as_text(fill_value(&Value::String(text.clone()), scene.names)?).into_bytes(),
    })
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unquoted(etag: Option<&str>) -> Option<String> {
    etag.map(|tag| tag.trim_matches('"').to_owned())
}

async fn put(
    client: &Client,
    (bucket, key): (&str, &str),
    bytes: Vec<u8>,
    content_type: Option<String>,
) -> Result<Value, String> {
    let (size, digest) = (bytes.len(), sha256(&bytes));
    let request = client.put_object().bucket(bucket).key(key).set_content_type(content_type);
    let done = request
        .body(ByteStream::from(bytes))
        .send()
        .await
        .map_err(|e| DisplayErrorContext(&e).to_string())?;
    Ok(json!({ "exists": true, "size": size, "sha256": digest, "etag": unquoted(done.e_tag()) }))
}

async fn get(client: &Client, (bucket, key): (&str, &str)) -> Result<Value, String> {
    let found = match client.get_object().bucket(bucket).key(key).send().await {
        Ok(found) => found,
        Err(error) if error.as_service_error().is_some_and(|e| e.is_no_such_key()) => {
            return Ok(json!({ "exists": false }));
        }
        Err(error) => return Err(DisplayErrorContext(&error).to_string()),
    };
    let (etag, content_type) = (unquoted(found.e_tag()), found.content_type().map(str::to_owned));
    let bytes = found.body.collect().await.map_err(|e| e.to_string())?.into_bytes();
    let text = std::str::from_utf8(&bytes).ok();
    Ok(json!({
        "exists": true, "size": bytes.len(), "sha256": sha256(&bytes), "etag": etag, "content_type": content_type,
        "text": text, "json": text.and_then(|t| serde_json::from_str::<Value>(t).ok()),
    }))
}

async fn head(client: &Client, (bucket, key): (&str, &str)) -> Result<Value, String> {
    match client.head_object().bucket(bucket).key(key).send().await {
        Ok(found) => Ok(json!({
            "exists": true, "size": found.content_length(), "etag": unquoted(found.e_tag()),
            "content_type": found.content_type(),
        })),
        Err(error) if error.as_service_error().is_some_and(|e| e.is_not_found()) => {
            Ok(json!({ "exists": false }))
        }
        Err(error) => Err(DisplayErrorContext(&error).to_string()),
    }
}

async fn list(client: &Client, (bucket, prefix): (&str, &str)) -> Result<Value, String> {
    let mut keys = Vec::new();
    let mut pages = client.list_objects_v2().bucket(bucket).prefix(prefix).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|e| DisplayErrorContext(&e).to_string())?;
        keys.extend(page.contents().iter().filter_map(|object| object.key().map(str::to_owned)));
    }
    keys.sort_unstable();
    Ok(json!({ "exists": !keys.is_empty(), "count": keys.len(), "keys": keys }))
}

async fn delete(client: &Client, (bucket, key): (&str, &str)) -> Result<Value, String> {
    client
        .delete_object()
        .bucket(bucket)
        .key(key)
        .send()
        .await
        .map_err(|e| DisplayErrorContext(&e).to_string())?;
    Ok(json!({ "exists": false }))
}
