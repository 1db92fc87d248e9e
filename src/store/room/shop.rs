//! Products, pinnings, clicks and orders.

use rusqlite::params;

use super::int;
use super::put::{Gathered, Pen};
use crate::room::live::event::{Event, Fact};
use crate::store::db::Answer;

/// What follows here from an event.
pub fn put(pen: &mut Pen<'_>, gathered: &mut Gathered, event: &Event) -> Answer<()> {
    let (at_ms, show, viewer) = (event.at_ms, int(event.show), int(event.viewer));
    match &event.fact {
        Fact::ProductSet {
            product,
            name,
            price,
            old_price,
            stock,
            url,
        } => {
            let sql = "INSERT INTO product (product, at_ms, name, price, old_price, stock, url)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                       ON CONFLICT DO UPDATE SET at_ms = excluded.at_ms, name = excluded.name, price = excluded.price,
                       old_price = excluded.old_price, stock = excluded.stock, url = excluded.url, removed = 0";
            let product = int(*product);
            pen.run(
                sql,
                params![product, at_ms, name, price, old_price, stock, url],
            )?;
        }
        Fact::ProductRemoved { product } => {
            let sql = "UPDATE product SET removed = 1 WHERE product = ?1";
            pen.run(sql, [int(*product)])?;
        }
        Fact::Pinned { pin, product } => {
            let sql = "INSERT INTO pin (pin, at_ms, show, product) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
            pen.run(sql, (int(*pin), at_ms, show, int(*product)))?;
        }
        Fact::Unpinned { pin } => {
            pen.run(
                "UPDATE pin SET until_ms = ?2 WHERE pin = ?1",
                (int(*pin), at_ms),
            )?;
        }
        Fact::Clicked { pin, product } => {
            let sql = "INSERT INTO click (seq, at_ms, show, pin, product, viewer) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            let (pin, product) = (int(*pin), int(*product));
            pen.run(
                sql,
                params![int(event.seq), at_ms, show, pin, product, viewer],
            )?;
        }
        Fact::Ordered {
            order,
            pin,
            product,
            count,
            amount_minor,
            currency,
            name,
        } => {
            let sql = "INSERT INTO shop_order (id, seq, at_ms, show, viewer, pin, product, count, amount_minor, currency, name)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO NOTHING";
            let (pin, product) = (pin.map(int), product.map(int));
            let amount = int(*amount_minor);
            let new = pen.run(
                sql,
                params![
                    order,
                    int(event.seq),
                    at_ms,
                    show,
                    viewer,
                    pin,
                    product,
                    count,
                    amount,
                    currency,
                    name
                ],
            )?;
            if new > 0 {
                gathered.add(event.show, "orders", 1);
                gathered.add(event.show, format!("amount:{currency}"), *amount_minor);
            }
        }
        _ => {}
    }
    Ok(())
}
