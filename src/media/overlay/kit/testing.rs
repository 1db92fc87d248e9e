//! For tests that draw.

use crate::media::overlay::sprite::Sprite;

/// Writes a sprite over a grey ground into the folder that BOOTHCAST_LOOK names, for people to look at.
pub fn look(name: &str, sprite: &Sprite) {
    let Some(folder) = std::env::var_os("BOOTHCAST_LOOK") else {
        return;
    };
    let (width, height) = (sprite.width.max(1), sprite.height.max(1));
    let mut under = Sprite::filled(width, height, 255, [96, 128, 112]);
    under.lay(sprite, 0, 0);
    let bytes: Vec<u8> = under.argb.iter().flat_map(|p| [p[1], p[2], p[3]]).collect();
    let path = std::path::Path::new(&folder).join(format!("{name}.png"));
    let size = |n: usize| u32::try_from(n).unwrap();
    image::save_buffer(
        path,
        &bytes,
        size(width),
        size(height),
        image::ColorType::Rgb8,
    )
    .unwrap();
}

/// Puts sprites below one another.
pub fn stacked<'a>(sprites: impl IntoIterator<Item = &'a Sprite>) -> Sprite {
    let sprites: Vec<&Sprite> = sprites.into_iter().collect();
    let width = sprites.iter().map(|s| s.width).max().unwrap_or_default();
    let height = sprites.iter().map(|s| s.height + 10).sum();
    let mut all = Sprite::clear(width, height);
    let mut y = 0;
    for sprite in sprites {
        all.lay(sprite, 0, y);
        y += sprite.height + 10;
    }
    all
}

/// The bytes of a PNG file with a colour ramp in it.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    let image = image::RgbaImage::from_fn(width, height, |x, y| {
        let part = |n: u32, of: u32| u8::try_from(n * 255 / of.max(1)).unwrap_or(255);
        image::Rgba([part(x, width), part(y, height), 120, 255])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}
