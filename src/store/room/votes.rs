//! Polls, votes for questions, draws.

use rusqlite::params;

use super::put::{Gathered, Pen};
use super::{int, word};
use crate::room::live::event::{Event, Fact};
use crate::store::db::Answer;

/// What follows here from an event.
pub fn put(pen: &mut Pen<'_>, gathered: &mut Gathered, event: &Event) -> Answer<()> {
    let (at_ms, show, viewer) = (event.at_ms, int(event.show), int(event.viewer));
    match &event.fact {
        Fact::PollOpened {
            poll,
            question,
            choices,
            hidden,
        } => {
            let sql = "INSERT INTO poll (poll, at_ms, show, question, choices, hidden)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
            let choices = word(choices)?;
            pen.run(
                sql,
                params![int(*poll), at_ms, show, question, choices, hidden],
            )?;
        }
        Fact::Voted {
            poll,
            choice,
            instead_of,
        } => {
            let sql = "INSERT INTO vote (poll, viewer, choice, at_ms) VALUES (?1, ?2, ?3, ?4)
                       ON CONFLICT DO UPDATE SET choice = excluded.choice, at_ms = excluded.at_ms";
            pen.run(sql, (int(*poll), viewer, choice, at_ms))?;
            gathered.add(event.show, "votes", u64::from(instead_of.is_none()));
        }
        Fact::PollClosed {
            poll,
            counts,
            winners,
        } => {
            let sql = "UPDATE poll SET closed_ms = ?2, counts = ?3, winners = ?4 WHERE poll = ?1";
            pen.run(sql, (int(*poll), at_ms, word(counts)?, word(winners)?))?;
        }
        Fact::PollGone { poll } => {
            pen.run("UPDATE poll SET gone = 1 WHERE poll = ?1", [int(*poll)])?;
        }
        Fact::UpVoted { question, on } => {
            let question = int(*question);
            let changed = if *on {
                let sql = "INSERT INTO upvote (question, viewer, at_ms) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
                pen.run(sql, (question, viewer, at_ms))?
            } else {
                let sql = "DELETE FROM upvote WHERE question = ?1 AND viewer = ?2";
                pen.run(sql, (question, viewer))?
            };
            if changed > 0 {
                let by = if *on { 1 } else { -1 };
                gathered.add(event.show, "upvotes", u64::from(*on));
                let sql = "UPDATE question SET votes = votes + ?2 WHERE question = ?1";
                pen.run(sql, (question, by))?;
            }
        }
        Fact::DrawOpened {
            draw,
            title,
            winners,
            commitment,
        } => {
            let sql = "INSERT INTO draw (draw, at_ms, show, title, winners, commitment, state)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'open') ON CONFLICT DO NOTHING";
            pen.run(
                sql,
                params![int(*draw), at_ms, show, title, winners, commitment],
            )?;
        }
        Fact::DrawEntered { draw } => {
            let sql = "INSERT INTO draw_entry (draw, viewer, at_ms) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
            if pen.run(sql, (int(*draw), viewer, at_ms))? > 0 {
                let sql = "UPDATE draw SET entries = entries + 1 WHERE draw = ?1";
                pen.run(sql, [int(*draw)])?;
                gathered.add(event.show, "entries", 1);
            }
        }
        Fact::DrawClosed {
            draw,
            entries,
            digest,
        } => {
            let sql = "UPDATE draw SET state = 'closed', entries = ?2, digest = ?3 WHERE draw = ?1";
            pen.run(sql, (int(*draw), int(*entries), digest))?;
        }
        Fact::DrawDone {
            draw,
            seed,
            winners,
        } => {
            let sql = "UPDATE draw SET state = 'done', seed = ?2, won = ?3 WHERE draw = ?1";
            pen.run(sql, (int(*draw), seed, word(winners)?))?;
        }
        _ => {}
    }
    Ok(())
}
