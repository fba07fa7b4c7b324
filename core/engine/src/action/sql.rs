//! `sql`: a statement on the lane's database.

use drillyard_spec::drill::Sql;
use drillyard_spec::template::fill_value;
use serde_json::{Value, json};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Row};

use crate::action::http::as_text;
use crate::action::{Done, Scene};

/// Runs the statement. A query's answer has `rows` (objects) and `row_count`, another statement's only the count of
/// rows it touched.
pub async fn perform(sql: &Sql, scene: &Scene<'_>) -> Done {
    let resolved = fill_value(&Value::String(sql.statement.clone()), scene.names)
        .and_then(|statement| Ok((as_text(statement), fill_params(sql, scene)?)));
    let (statement, params) = match resolved {
        Ok(resolved) => resolved,
        Err(reason) => return Done::unresolved("sql", reason),
    };
    let what = json!({ "sql": statement, "params": params });
    let answer = match scene.lane.database_url(&sql.service) {
        Some(url) => run(&url, &statement, &params, sql.query).await,
        None => Err(format!("`{}` has no database in this lane", sql.service)),
    };
    Done { what, answer }
}

fn fill_params(sql: &Sql, scene: &Scene<'_>) -> Result<Vec<Value>, String> {
    sql.params.iter().map(|param| fill_value(param, scene.names)).collect()
}

/// Runs a statement; a query gives `rows` and `row_count`, another statement only the latter.
///
/// # Errors
/// What the database says.
pub async fn run(url: &str, statement: &str, params: &[Value], query: bool) -> Result<Value, String> {
    let mut connection = PgConnection::connect(url).await.map_err(|e| format!("cannot connect: {e}"))?;
    // PostgreSQL renders the rows itself, so that every type has its own JSON form without a list of types here.
    let wrapped = if query {
        format!(
            "with answer as ({}) select to_jsonb(answer)::text from answer",
            statement.trim().trim_end_matches(';')
        )
    } else {
        statement.to_owned()
    };
    let mut bound = sqlx::query(AssertSqlSafe(wrapped));
    for param in params {
        bound = bound.bind(if param.is_null() { None } else { Some(as_text(param.clone())) });
    }
    let answer = if query {
        let rows = bound.fetch_all(&mut connection).await.map_err(|e| e.to_string())?;
        let rows = rows
            .iter()
            .map(|row| {
                let text: String = row.try_get(0).map_err(|e| e.to_string())?;
                serde_json::from_str(&text).map_err(|e| e.to_string())
            })
            .collect::<Result<Vec<Value>, String>>()?;
        json!({ "row_count": rows.len(), "rows": rows })
    } else {
        let done = bound.execute(&mut connection).await.map_err(|e| e.to_string())?;
        json!({ "row_count": done.rows_affected(), "rows": [] })
    };
    // The answer is complete; a connection that cannot say goodbye changes nothing about it.
    let _ = connection.close().await;
    Ok(answer)
}
