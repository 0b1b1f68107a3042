use image::{Rgba, RgbaImage};

use super::*;

fn png(width: u32, height: u32, colour: impl Fn(u32, u32) -> [u8; 4]) -> Vec<u8> {
    let picture = RgbaImage::from_fn(width, height, |x, y| Rgba(colour(x, y)));
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, ImageFormat::Png).unwrap();
    file.into_inner()
}

#[test]
fn set_6_an_avatar_is_a_square_from_the_middle_made_anew() {
    // Red at the left edge, green in the middle, blue at the right edge.
    let file = png(900, 300, |x, _| match x {
        0..300 => [255, 0, 0, 255],
        300..600 => [0, 255, 0, 255],
        _ => [0, 0, 255, 255],
    });
    let made = avatar(&file).unwrap();
    assert_eq!(image::guess_format(&made).unwrap(), ImageFormat::Jpeg);
    let shown = image::load_from_memory(&made).unwrap().to_rgb8();
    assert_eq!(shown.dimensions(), (AVATAR_PIXELS, AVATAR_PIXELS));
    let [red, green, blue] = shown.get_pixel(20, 128).0;
    assert!(green > 200 && red < 60 && blue < 60, "{red} {green} {blue}");
}

#[test]
fn set_6_what_shines_through_is_white() {
    let shown = image::load_from_memory(&avatar(&png(10, 10, |_, _| [0, 0, 0, 0])).unwrap()).unwrap();
    let [red, green, blue] = shown.to_rgb8().get_pixel(128, 128).0;
    assert!(red > 250 && green > 250 && blue > 250);
}

#[test]
fn set_6_metadata_is_gone_and_a_turned_photograph_is_turned() {
    // A photograph 2 wide and 1 high, held so that it is to be turned by a quarter (EXIF orientation 6), with a secret.
    let mut plain = Vec::new();
    let halves = RgbImage::from_fn(64, 32, |x, _| if x < 32 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) });
    JpegEncoder::new_with_quality(&mut plain, 90)
        .encode_image(&halves)
        .unwrap();
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec();
    exif.extend_from_slice(b"secret place");
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    let file = [&plain[..2], &[0xff, 0xe1], &length, &exif, &plain[2..]].concat();
    let made = avatar(&file).unwrap();
    assert!(!made.windows(6).any(|window| window == b"secret"));
    let shown = image::load_from_memory(&made).unwrap().to_rgb8();
    let [red, _, blue] = shown.get_pixel(128, 20).0;
    assert!(red > 200 && blue < 60, "what was left is above: {red} {blue}");
}

#[test]
fn org_3_a_logo_is_fitted_and_not_stretched() {
    let small = logo(&png(430, 70, |_, _| [1, 2, 3, 128])).unwrap();
    let shown = image::load_from_memory(&small).unwrap().to_rgba8();
    assert_eq!(
        (shown.dimensions(), shown.get_pixel(0, 0).0),
        ((430, 70), [1, 2, 3, 128])
    );
    let square = logo(&png(400, 400, |_, _| [9, 9, 9, 255])).unwrap();
    let shown = image::load_from_memory(&square).unwrap();
    assert_eq!((shown.width(), shown.height()), (140, 140));
}

#[test]
fn what_is_no_picture_is_refused_by_its_reason() {
    assert_eq!(avatar(b"<svg onload=alert(1)>"), Err(PictureError::Kind));
    assert_eq!(avatar(b"GIF89a\x01\x00\x01\x00"), Err(PictureError::Kind));
    let large = PictureError::Octets {
        max: LOGO_OCTETS_MAX,
        used: LOGO_OCTETS_MAX + 1,
    };
    assert_eq!(logo(&vec![0; LOGO_OCTETS_MAX + 1]), Err(large));
    let broken = &png(50, 50, |x, y| [x as u8, y as u8, 0, 255])[..120];
    assert!(matches!(avatar(broken), Err(PictureError::Unreadable(_))));
    // A small file that says it is 60,000 pixels wide and high.
    let mut bomb = png(1, 1, |_, _| [0; 4]);
    bomb[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    assert!(matches!(avatar(&bomb), Err(PictureError::Unreadable(_))));
}
