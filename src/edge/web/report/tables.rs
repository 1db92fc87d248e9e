//! The tables of the page.

use std::fmt::Write;

use super::format::{escape, fraction, length, percent, whole};
use super::html::Page;
use super::words::Word;
use crate::room::live::event::QuestionState;
use crate::room::report::{DrawReport, PollReport, QuestionReport};

fn none(page: &mut Page<'_>) {
    let _ = write!(page.out, "<p class=\"note\">{}</p>", page.word(Word::None));
}

fn product_name(name: &str, product: u64) -> String {
    if name.trim().is_empty() {
        Page::text(&format!("#{product}"))
    } else {
        Page::text(name)
    }
}

pub(super) fn shop(page: &mut Page<'_>) {
    let shop = &page.report.shop;
    page.section(Word::Shop);
    if shop.products.is_empty() && shop.orders.n == 0 {
        none(page);
    }
    if !shop.products.is_empty() {
        let heads = [
            (Word::Product, false),
            (Word::Pinned, true),
            (Word::Clicks, true),
            (Word::Orders, true),
            (Word::Pieces, true),
            (Word::Revenue, true),
        ];
        let rows: Vec<Vec<String>> = shop
            .products
            .iter()
            .map(|p| {
                vec![
                    product_name(&p.name, p.product),
                    page.count(&p.pinned),
                    page.count(&p.clicks),
                    page.count(&p.orders),
                    page.count(&p.pieces),
                    page.worth(&p.revenue),
                ]
            })
            .collect();
        page.table(&heads, &rows);
    }
    if !shop.pins.is_empty() {
        let _ = write!(page.out, "<h3>{}</h3>", page.word(Word::Pins));
        let name = |product| {
            let known = shop.products.iter().find(|p| p.product == product);
            product_name(known.map_or("", |p| p.name.as_str()), product)
        };
        let rows: Vec<Vec<String>> = shop
            .pins
            .iter()
            .map(|p| {
                let at = p
                    .at_ms
                    .map_or_else(|| page.word(Word::BeforeTheShow), length);
                vec![
                    at,
                    name(p.product),
                    page.count(&p.clicks),
                    page.count(&p.orders),
                    page.worth(&p.revenue),
                ]
            })
            .collect();
        let heads = [
            (Word::At, false),
            (Word::Product, false),
            (Word::Clicks, true),
            (Word::Orders, true),
            (Word::Revenue, true),
        ];
        page.table(&heads, &rows);
    }
    if shop.orders_without_pin.n > 0 {
        let _ = write!(
            page.out,
            "<p class=\"note\">{}: {}</p>",
            page.word(Word::WithoutPin),
            page.count(&shop.orders_without_pin)
        );
    }
    page.html("</section>");
}

pub(super) fn talk(page: &mut Page<'_>) {
    let talk = &page.report.talk;
    page.section(Word::Messages);
    let mut rows: Vec<Vec<String>> = [
        (Word::Messages, &talk.messages),
        (Word::Bridged, &talk.bridged),
        (Word::Held, &talk.held),
        (Word::Hidden, &talk.hidden),
        (Word::Announcements, &talk.announcements),
        (Word::Gifts, &talk.gifts),
    ]
    .map(|(word, count)| vec![page.word(word), page.count(count)])
    .into();
    let gifts = talk.gifts_by_kind.iter();
    rows.extend(gifts.map(|(gift, count)| {
        vec![
            format!("{}: {}", page.word(Word::Gift), Page::text(gift)),
            page.count(count),
        ]
    }));
    page.table(&[(Word::Messages, false), (Word::HowMany, true)], &rows);
    page.html("</section>");
}

pub(super) fn engagement(page: &mut Page<'_>) {
    let engagement = &page.report.engagement;
    page.section(Word::Engagement);
    let views = page.report.audience.views.n;
    let per_view = |n: u64| {
        if views > 0 {
            fraction(n as f64 / views as f64)
        } else {
            "–".to_owned()
        }
    };
    let parts = engagement.parts();
    let mut rows: Vec<Vec<String>> = parts
        .iter()
        .map(|(name, count)| {
            let name = Word::of(name).map_or_else(|| escape(name), |w| page.word(w));
            vec![name, page.count(count), per_view(count.n)]
        })
        .collect();
    let all = engagement
        .per_view
        .as_ref()
        .map(|f| page.link(&fraction(f.value), &f.from));
    rows.push(vec![
        format!("<strong>{}</strong>", page.word(Word::Interactions)),
        format!("<strong>{}</strong>", page.count(&engagement.interactions)),
        format!("<strong>{}</strong>", all.unwrap_or_else(|| "–".to_owned())),
    ]);
    page.table(
        &[
            (Word::Engagement, false),
            (Word::HowMany, true),
            (Word::PerView, true),
        ],
        &rows,
    );
    let _ = write!(
        page.out,
        "<p class=\"note\">{}</p></section>",
        page.word(Word::EngagementNote)
    );
}

pub(super) fn polls(page: &mut Page<'_>) {
    let report = page.report;
    page.section(Word::Polls);
    if report.polls.is_empty() {
        none(page);
    }
    for poll in &report.polls {
        one_poll(page, poll);
    }
    page.html("</section>");
}

fn one_poll(page: &mut Page<'_>, poll: &PollReport) {
    let _ = write!(page.out, "<h3>{}", Page::text(&poll.question));
    if !poll.closed {
        let _ = write!(
            page.out,
            " <span class=\"badge\">{}</span>",
            page.word(Word::StillOpen)
        );
    }
    page.html("</h3>");
    let tied = poll.winners.len() > 1;
    let rows: Vec<Vec<String>> = (0_u32..)
        .zip(poll.choices.iter().zip(&poll.counts))
        .map(|(i, (choice, count))| {
            let mut name = Page::text(choice);
            if poll.winners.contains(&i) {
                let word = if tied { Word::Tie } else { Word::Winner };
                let _ = write!(
                    name,
                    " <span class=\"badge good\">{}</span>",
                    page.word(word)
                );
            }
            let share = if poll.votes.n > 0 {
                percent(count.n as f64 / poll.votes.n as f64)
            } else {
                "–".to_owned()
            };
            vec![name, page.count(count), share]
        })
        .collect();
    page.table(
        &[
            (Word::Polls, false),
            (Word::Votes, true),
            (Word::Share, true),
        ],
        &rows,
    );
    if poll.agrees == Some(false) {
        let _ = write!(
            page.out,
            "<p class=\"note warn\">{}</p>",
            page.word(Word::Disagrees)
        );
    }
}

pub(super) fn questions(page: &mut Page<'_>) {
    let questions = &page.report.questions;
    page.section(Word::Questions);
    let _ = write!(
        page.out,
        "<p class=\"facts\">{} {} · {} {} · {} {}</p>",
        page.word(Word::Asked),
        page.count(&questions.asked),
        page.word(Word::Answered),
        page.count(&questions.answered),
        page.word(Word::Rejected),
        page.count(&questions.rejected),
    );
    if !questions.top.is_empty() {
        let row = |q: &QuestionReport| {
            vec![
                Page::text(&q.text),
                Page::text(&q.name),
                page.word(state(q.state)),
                page.count(&q.votes),
                page.count(&q.seen),
            ]
        };
        let rows: Vec<Vec<String>> = questions.top.iter().map(row).collect();
        let heads = [
            (Word::Question, false),
            (Word::AskedBy, false),
            (Word::State, false),
            (Word::Votes, true),
            (Word::Seen, true),
        ];
        page.table(&heads, &rows);
    }
    page.html("</section>");
}

fn state(state: QuestionState) -> Word {
    match state {
        QuestionState::Pending => Word::StatePending,
        QuestionState::Live => Word::StateLive,
        QuestionState::OnScreen => Word::StateOnScreen,
        QuestionState::Answered => Word::StateAnswered,
        QuestionState::Rejected => Word::StateRejected,
    }
}

pub(super) fn draws(page: &mut Page<'_>) {
    let report = page.report;
    page.section(Word::Draws);
    if report.draws.is_empty() {
        none(page);
    }
    for draw in &report.draws {
        one_draw(page, draw);
    }
    page.html("</section>");
}

fn one_draw(page: &mut Page<'_>, draw: &DrawReport) {
    let _ = write!(
        page.out,
        "<h3>{}</h3><dl class=\"plain\">",
        Page::text(&draw.title)
    );
    let won: Vec<String> = draw
        .won
        .iter()
        .map(|w| format!("{} (#{})", Page::text(&w.name), w.viewer))
        .collect();
    let hash = |text: &str| format!("<span class=\"hash\">{}</span>", escape(text));
    let mut facts = vec![
        (Word::Entries, page.count(&draw.entries)),
        (
            Word::Winners,
            if won.is_empty() {
                format!("– ({})", whole(draw.winners.into()))
            } else {
                won.join(", ")
            },
        ),
        (Word::Commitment, hash(&draw.commitment)),
    ];
    facts.extend(draw.digest.as_deref().map(|d| (Word::Digest, hash(d))));
    facts.extend(draw.seed.as_deref().map(|s| (Word::Seed, hash(s))));
    facts.push((
        Word::Proof,
        format!("<a href=\"/api/draws/{0}\">/api/draws/{0}</a>", draw.draw),
    ));
    for (word, value) in facts {
        let _ = write!(page.out, "<dt>{}</dt><dd>{value}</dd>", page.word(word));
    }
    page.html("</dl>");
}

pub(super) fn incidents(page: &mut Page<'_>) {
    let report = page.report;
    page.section(Word::Incidents);
    if report.incidents.is_empty() {
        none(page);
    } else {
        let rows: Vec<Vec<String>> = report
            .incidents
            .iter()
            .map(|i| {
                let from = i
                    .from_ms
                    .map_or_else(|| page.word(Word::BeforeTheShow), |at| page.when(at));
                let to = i
                    .to_ms
                    .map_or_else(|| page.word(Word::NotOver), |at| page.when(at));
                let took = i.took_ms.map_or_else(|| "–".to_owned(), length);
                vec![page.link(&from, &i.from), Page::text(&i.text), to, took]
            })
            .collect();
        page.table(
            &[
                (Word::Begun, false),
                (Word::Fault, false),
                (Word::Until, false),
                (Word::Length, true),
            ],
            &rows,
        );
    }
    page.html("</section>");
}

pub(super) fn moderation(page: &mut Page<'_>) {
    let acts = &page.report.moderation;
    page.section(Word::Moderation);
    let mut rows = vec![
        vec![page.word(Word::Acts), page.count(&acts.acts)],
        vec![page.word(Word::Undone), page.count(&acts.undone)],
    ];
    rows.extend(acts.by_kind.iter().map(|(kind, count)| {
        let name = Word::of(kind).map_or_else(|| escape(kind), |w| page.word(w));
        vec![name, page.count(count)]
    }));
    page.table(&[(Word::Act, false), (Word::HowMany, true)], &rows);
    page.html("</section>");
}
