//! What of the room stands on the picture, as commands. Pure.

use super::picture::Card;
use crate::device::command::Command;
use crate::device::stage::{Choice, Poll, Product};
use crate::room::item::{Alert, AlertKind, MAX_AMOUNT, MAX_COUNT, MAX_PLATFORM, MAX_WHO};
use crate::room::live::event::{Event, Fact};
use crate::room::live::state::Live;
use crate::room::live::view::Room;

/// Longest lines of a lower third, in characters.
const NAME: usize = 60;
const LINE: usize = 100;
/// Longest question and choice of a poll on the picture, in characters.
const QUESTION: usize = 100;
const CHOICE: usize = 40;
/// Longest address in a QR code on the picture, bytes.
const URL: usize = 200;
/// How long a draw's winners stay, s.
const WINNERS_S: u32 = 20;

/// The card of an event, where it has one. Gifts of bridges are on the picture already.
#[must_use]
pub fn of(event: &Event, live: &Live) -> Option<Card> {
    match &event.fact {
        Fact::Gave {
            gift,
            name,
            combo,
            count,
            origin: None,
            ..
        } => Some(Card::Alert(Alert {
            kind: AlertKind::Gift,
            who: who(Some(name)),
            what: Some(gift.clone()),
            amount: None,
            count: (*count).clamp(1, MAX_COUNT),
            // The words of two viewers may be the same.
            combo: Some(cut(&format!("{}/{combo}", event.viewer), 40)),
            platform: None,
            colour: None,
        })),
        Fact::Ordered {
            product,
            count,
            amount_minor,
            currency,
            name,
            ..
        } => {
            let product = product.and_then(|of| live.product(of));
            Some(Card::Alert(Alert {
                kind: AlertKind::Order,
                who: who(name.as_ref()),
                what: product.map(|product| product.name),
                amount: amount(*amount_minor, currency),
                count: (*count).clamp(1, MAX_COUNT),
                combo: None,
                platform: None,
                colour: None,
            }))
        }
        Fact::DrawDone { draw, winners, .. } => {
            let names: Vec<_> = winners.iter().map(|w| w.name.as_str()).collect();
            if names.is_empty() {
                return None;
            }
            let title = live.proof(*draw).map(|proof| proof.title);
            let title = title.filter(|t| !t.is_empty());
            let title = title.unwrap_or_else(|| "The draw".to_owned());
            Some(Card::Title(cut(&title, NAME), cut(&names.join(", "), LINE)))
        }
        _ => None,
    }
}

/// A card as a command.
#[must_use]
pub fn command(card: Card) -> Command {
    match card {
        Card::Alert(alert) => Command::Alert(alert),
        Card::Title(name, line) => Command::LowerThird {
            name: Some(name),
            line: Some(line),
            seconds: Some(WINNERS_S),
        },
    }
}

/// The poll as it is.
#[must_use]
pub fn poll(room: &Room) -> Command {
    let Some(poll) = &room.poll else {
        return Command::PollHide;
    };
    let votes = |n: usize| {
        poll.counts
            .as_ref()
            .and_then(|counts| counts.get(n))
            .copied()
    };
    let choices = poll.choices.iter().enumerate().map(|(n, text)| Choice {
        text: cut(text, CHOICE),
        votes: votes(n).unwrap_or_default(),
    });
    Command::PollShow(Poll {
        question: cut(&poll.question, QUESTION),
        choices: choices.collect(),
        open: poll.open,
        hidden: poll.counts.is_none(),
    })
}

/// The product that is pinned.
#[must_use]
pub fn product(room: &Room, links: Option<&str>) -> Command {
    let pinned = room.products.iter().find_map(|p| Some((p, p.pin?)));
    let Some((product, pin)) = pinned else {
        return Command::ProductUnpin;
    };
    let link = links.filter(|_| product.link);
    let url = link.map(|base| format!("{base}/r/{pin}"));
    Command::ProductPin(Product {
        name: product.name.clone(),
        price: product.price.clone(),
        old_price: product.old_price.clone(),
        stock: product.stock,
        url: url.filter(|url| url.len() <= URL),
        picture: None,
    })
}

/// The question that is on the picture, by its number; `None`: no more.
#[must_use]
pub fn question(room: &Room, number: Option<u64>) -> Command {
    let question = room.questions.iter().find(|q| Some(q.question) == number);
    Command::LowerThird {
        name: question.map(|q| who(Some(&q.name))),
        line: question.map(|q| cut(&q.text, LINE)),
        seconds: None,
    }
}

fn who(name: Option<&String>) -> String {
    let name = name.map(|name| name.trim()).filter(|name| !name.is_empty());
    cut(name.unwrap_or("Somebody"), MAX_WHO.max(MAX_PLATFORM))
}

/// Worth as people write it; the currencies without a smaller unit that a shop is likely to use.
fn amount(minor: u64, currency: &str) -> Option<String> {
    if minor == 0 || currency.is_empty() {
        return None;
    }
    let text = if ["JPY", "KRW", "VND", "CLP", "ISK"].contains(&currency) {
        format!("{minor} {currency}")
    } else {
        format!("{}.{:02} {currency}", minor / 100, minor % 100)
    };
    (text.chars().count() <= MAX_AMOUNT).then_some(text)
}

/// At most so many characters; what is left out shows as `…`.
fn cut(text: &str, most: usize) -> String {
    if text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    let kept = text.chars().take(most.saturating_sub(1));
    kept.chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::live::event::QuestionState;
    use crate::room::live::view;

    fn room() -> Room {
        Room {
            seq: 1,
            show: 0,
            title: String::new(),
            viewers: 0,
            likes: 0,
            danmaku: true,
            slow_s: 0,
            panic: false,
            announcement: String::new(),
            poll: None,
            questions: Vec::new(),
            products: Vec::new(),
            draws: Vec::new(),
            gifts: Vec::new(),
        }
    }

    #[test]
    fn polls_show_what_may_be_seen() {
        let mut room = room();
        assert_eq!(poll(&room), Command::PollHide);
        room.poll = Some(view::Poll {
            poll: 1,
            question: "x".repeat(120),
            choices: vec!["Tea".into(), "y".repeat(60)],
            counts: Some(vec![3, 4]),
            votes: 7,
            open: true,
            hidden: false,
            winners: Vec::new(),
        });
        let Command::PollShow(shown) = poll(&room) else {
            panic!("a poll");
        };
        assert_eq!(shown.question.chars().count(), QUESTION);
        assert_eq!((shown.choices[0].votes, shown.choices[1].votes), (3, 4));
        assert!(shown.choices[1].text.ends_with('…') && shown.open && !shown.hidden);
        room.poll.as_mut().unwrap().counts = None;
        assert!(matches!(
            poll(&room),
            Command::PollShow(Poll { hidden: true, .. })
        ));
    }

    #[test]
    fn a_pinned_product_leads_to_its_pin() {
        let mut room = room();
        assert_eq!(product(&room, None), Command::ProductUnpin);
        room.products.push(view::Product {
            product: 4,
            name: "Cap".into(),
            price: "20 €".into(),
            old_price: None,
            stock: Some(3),
            link: true,
            pin: Some(9),
        });
        let Command::ProductPin(shown) = product(&room, Some("http://10.0.0.2:8080")) else {
            panic!("a product");
        };
        assert_eq!(shown.url.as_deref(), Some("http://10.0.0.2:8080/r/9"));
        assert!(matches!(
            product(&room, None),
            Command::ProductPin(Product { url: None, .. })
        ));
    }

    #[test]
    fn a_question_on_screen_names_who_asks() {
        let mut room = room();
        room.questions.push(view::Question {
            question: 5,
            at_ms: 0,
            viewer: 2,
            name: "Ann".into(),
            text: "z".repeat(300),
            origin: None,
            state: QuestionState::OnScreen,
            votes: 0,
            seen: 0,
        });
        let Command::LowerThird {
            name,
            line,
            seconds,
        } = question(&room, Some(5))
        else {
            panic!("a lower third");
        };
        assert_eq!((name.as_deref(), seconds), (Some("Ann"), None));
        assert_eq!(line.unwrap().chars().count(), LINE);
        assert!(matches!(
            question(&room, None),
            Command::LowerThird { name: None, .. }
        ));
    }

    #[test]
    fn amounts_are_written_as_people_write_them() {
        assert_eq!(amount(1990, "EUR").as_deref(), Some("19.90 EUR"));
        assert_eq!(amount(500, "JPY").as_deref(), Some("500 JPY"));
        assert_eq!((amount(0, "EUR"), amount(5, "")), (None, None));
        // Longer than what fits on a card.
        assert_eq!(amount(u64::MAX, "EUR"), None);
    }
}
