//! Shows, viewers, and what the staff did about them.

use rusqlite::params;

use super::put::{Gathered, Pen};
use super::{int, role_word, word};
use crate::room::live::event::{Event, Fact, Moderation};
use crate::store::db::Answer;

/// What follows here from an event.
pub fn put(pen: &mut Pen<'_>, gathered: &mut Gathered, event: &Event) -> Answer<()> {
    let (at_ms, show, viewer) = (event.at_ms, int(event.show), int(event.viewer));
    match &event.fact {
        Fact::ShowBegun { title } => {
            let sql = "INSERT INTO show (show, title, begun_ms, last_ms) VALUES (?1, ?2, ?3, ?3)
                       ON CONFLICT DO UPDATE SET title = excluded.title";
            pen.run(sql, (show, title, at_ms))?;
        }
        Fact::ShowEnded => {
            pen.run(
                "UPDATE show SET ended_ms = ?2 WHERE show = ?1",
                (show, at_ms),
            )?;
        }
        Fact::Came { name, role, addr } => {
            let sql = "INSERT INTO viewer (viewer, name, role, addr, came_ms, last_ms)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?5) ON CONFLICT DO NOTHING";
            pen.run(sql, params![viewer, name, role_word(*role), addr, at_ms])?;
        }
        Fact::Renamed { name, role } => {
            let sql = "UPDATE viewer SET name = ?2, role = ?3 WHERE viewer = ?1";
            pen.run(sql, (viewer, name, role_word(*role)))?;
        }
        Fact::Joined => {
            let sql = "SELECT 1 FROM presence WHERE viewer = ?1 AND show = ?2 AND joins > 0";
            if pen.number(sql, (viewer, show))?.is_none() {
                gathered.add(event.show, "viewers", 1);
            }
            let sql = "INSERT INTO presence (show, viewer, joins, stayed_ms) VALUES (?1, ?2, 1, 0)
                       ON CONFLICT DO UPDATE SET joins = joins + 1";
            pen.run(sql, (show, viewer))?;
        }
        Fact::Left { stayed_ms } => {
            let sql = "INSERT INTO presence (show, viewer, joins, stayed_ms) VALUES (?1, ?2, 0, ?3)
                       ON CONFLICT DO UPDATE SET stayed_ms = stayed_ms + excluded.stayed_ms";
            pen.run(sql, (show, viewer, int(*stayed_ms)))?;
        }
        Fact::Moderated {
            act,
            by,
            what,
            undoes,
        } => {
            audit(pen, at_ms, *act, by, what, *undoes)?;
            moderate(pen, what)?;
        }
        _ => {}
    }
    Ok(())
}

fn moderate(pen: &mut Pen<'_>, what: &Moderation) -> Answer<()> {
    match what {
        Moderation::TimeOut { viewer, until_ms } => {
            let sql = "UPDATE viewer SET muted_until_ms = ?2 WHERE viewer = ?1";
            pen.run(sql, (int(*viewer), until_ms))?;
        }
        Moderation::Ban { viewer, on } => {
            let sql = "UPDATE viewer SET banned = ?2 WHERE viewer = ?1";
            pen.run(sql, (int(*viewer), on))?;
        }
        // Whether the line is seen is said by facts of its own.
        _ => {}
    }
    Ok(())
}

fn audit(
    pen: &mut Pen<'_>,
    at_ms: i64,
    act: u64,
    by: &str,
    what: &Moderation,
    undoes: Option<u64>,
) -> Answer<()> {
    let mut detail = serde_json::to_value(what)
        .map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))?;
    let mut name = "room".to_owned();
    if let Some(fields) = detail.as_object_mut() {
        if let Some(serde_json::Value::String(kind)) = fields.remove("act") {
            name = format!("room/{kind}");
        }
        fields.insert("act".into(), act.into());
        if let Some(undoes) = undoes {
            fields.insert("undoes".into(), undoes.into());
        }
    }
    let sql = "INSERT INTO audit (at_ms, account, what, detail) VALUES (?1, ?2, ?3, ?4)";
    pen.run(sql, (at_ms, by, name, word(&detail)?)).map(drop)
}
