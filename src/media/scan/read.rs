//! From a picture in grey to the texts of the codes in it.

use super::corners;
use super::luma::Luma;

/// More codes than this in one picture are not read.
const MAX_CODES: usize = 8;

/// The texts of the codes in `picture`. Turned and mirrored ones are read as well.
pub(super) fn texts(picture: &Luma) -> Vec<String> {
    if corners::too_many(picture) {
        return Vec::new();
    }
    let mut prepared =
        rqrr::PreparedImage::prepare_from_greyscale(picture.width(), picture.height(), |x, y| {
            picture.at(x, y)
        });
    let grids = prepared.detect_grids();
    grids
        .iter()
        .take(MAX_CODES)
        .filter_map(|grid| {
            let mut bytes = Vec::new();
            grid.decode_to(&mut bytes).ok()?;
            Some(text(bytes))
        })
        .collect()
}

/// UTF-8, as all writers do by now; else Latin-1, which is what the standard says where a code does not name another.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|e| e.as_bytes().iter().map(|b| char::from(*b)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_old_writers_are_text_too() {
        assert_eq!(text("Café".as_bytes().to_vec()), "Café");
        assert_eq!(text(b"Caf\xe9".to_vec()), "Café");
    }
}
