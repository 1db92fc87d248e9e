//! Lines of the chat, questions and gifts.

use rusqlite::params;

use super::put::Pen;
use super::{int, role_word, word};
use crate::room::live::event::{Event, Fact};
use crate::store::db::Answer;

/// What follows here from an event.
pub fn put(pen: &mut Pen<'_>, event: &Event) -> Answer<()> {
    let (at_ms, show, viewer) = (event.at_ms, int(event.show), int(event.viewer));
    match &event.fact {
        Fact::Said {
            line,
            name,
            text,
            role,
            origin,
            state,
            nonce,
            danmaku: _,
            item: _,
        } => {
            let sql = "INSERT INTO message (line, at_ms, show, viewer, name, text, role, origin, state, nonce)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING";
            let (line, role, state) = (int(*line), role_word(*role), word(state)?);
            pen.run(
                sql,
                params![
                    line, at_ms, show, viewer, name, text, role, origin, state, nonce
                ],
            )?;
        }
        Fact::LineShown { line } => {
            let sql = "UPDATE message SET state = 'shown', why = NULL WHERE line = ?1";
            pen.run(sql, [int(*line)])?;
        }
        Fact::LineHidden { line, why } => {
            let sql = "UPDATE message SET state = 'hidden', why = ?2 WHERE line = ?1";
            pen.run(sql, (int(*line), why))?;
        }
        Fact::Asked {
            question,
            name,
            text,
            origin,
        } => {
            let sql =
                "INSERT INTO question (question, at_ms, show, viewer, name, text, origin, state)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'pending') ON CONFLICT DO NOTHING";
            let question = int(*question);
            pen.run(
                sql,
                params![question, at_ms, show, viewer, name, text, origin],
            )?;
        }
        Fact::QuestionsSeen { questions } => {
            for question in questions {
                let sql = "UPDATE question SET seen = seen + 1 WHERE question = ?1";
                pen.run(sql, [int(*question)])?;
            }
        }
        Fact::QuestionMoved { question, state } => {
            let sql = "UPDATE question SET state = ?2 WHERE question = ?1";
            pen.run(sql, (int(*question), word(state)?))?;
        }
        Fact::Gave {
            gift,
            name,
            combo,
            count,
            more: _,
            origin,
        } => {
            let sql = "INSERT INTO gift (at_ms, show, viewer, giver, origin, gift, combo, name, count, last_seq)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                       ON CONFLICT DO UPDATE SET name = excluded.name, last_seq = excluded.last_seq,
                       count = max(count, excluded.count)";
            let giver = if viewer == 0 { name } else { "" };
            let origin = origin.as_deref().unwrap_or("");
            pen.run(
                sql,
                params![
                    at_ms,
                    show,
                    viewer,
                    giver,
                    origin,
                    gift,
                    combo,
                    name,
                    count,
                    int(event.seq)
                ],
            )?;
        }
        _ => {}
    }
    Ok(())
}
