//! Pictures that people send, made anew: nothing of the file itself is kept, neither its metadata nor what hides in it.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, Rgb, RgbImage};

/// Largest file of an avatar (SET-6).
pub const AVATAR_OCTETS_MAX: usize = 5 << 20;
/// Width and height of an avatar.
pub const AVATAR_PIXELS: u32 = 256;
/// Largest file of a logo (ORG-3).
pub const LOGO_OCTETS_MAX: usize = 500 << 10;
/// A logo is made to fit into this, twice what is shown for fine screens.
pub const LOGO_PIXELS: (u32, u32) = (860, 140);
/// Largest file of a picture behind a page (LGN-4).
pub const BACKGROUND_OCTETS_MAX: usize = 4 << 20;
/// Such a picture is made to fit into this.
const BACKGROUND_PIXELS: (u32, u32) = (1_920, 1_200);
/// What is kept of it: one transaction writes it.
const BACKGROUND_KEPT_OCTETS_MAX: usize = 800 << 10;
/// Qualities that it is tried with, until it is small enough.
const BACKGROUND_QUALITIES: [u8; 4] = [80, 60, 40, 20];
/// Widest and highest picture that is read.
const SIDE_PIXELS_MAX: u32 = 10_000;
/// Memory that reading one may take.
const MEMORY_OCTETS_MAX: u64 = 200 << 20;
const JPEG_QUALITY: u8 = 85;

/// Why a picture is not taken.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PictureError {
    /// Another kind of file.
    #[error("a picture is a JPEG, PNG or WebP file")]
    Kind,
    /// More than it may have.
    #[error("the picture has {used} octets, at most {max} are taken")]
    Octets {
        /// The limit.
        max: usize,
        /// What was sent.
        used: usize,
    },
    /// Cannot be read, or only with too much memory.
    #[error("the picture cannot be read: {0}")]
    Unreadable(String),
}

/// An avatar: a square cut from the middle, as JPEG.
///
/// # Errors
/// See [`PictureError`]. Takes long for large pictures: call it where it may block.
pub fn avatar(file: &[u8]) -> Result<Vec<u8>, PictureError> {
    let picture = read(file, AVATAR_OCTETS_MAX)?;
    let side = picture.width().min(picture.height());
    let (left, top) = ((picture.width() - side) / 2, (picture.height() - side) / 2);
    let square = picture.crop_imm(left, top, side, side);
    let small = square.resize_exact(AVATAR_PIXELS, AVATAR_PIXELS, FilterType::CatmullRom);
    let mut jpeg = Vec::new();
    let encoded = JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY).encode_image(&on_white(&small));
    encoded.map_err(unreadable)?;
    Ok(jpeg)
}

/// A logo, made to fit but not stretched, as PNG.
///
/// # Errors
/// As [`avatar`].
pub fn logo(file: &[u8]) -> Result<Vec<u8>, PictureError> {
    let picture = read(file, LOGO_OCTETS_MAX)?;
    let (width, height) = LOGO_PIXELS;
    let fits = picture.width() <= width && picture.height() <= height;
    let picture = if fits {
        picture
    } else {
        picture.resize(width, height, FilterType::CatmullRom)
    };
    let mut png = Cursor::new(Vec::new());
    let flat = DynamicImage::ImageRgba8(picture.to_rgba8());
    flat.write_to(&mut png, ImageFormat::Png).map_err(unreadable)?;
    Ok(png.into_inner())
}

/// A picture behind a page, made to fit but not stretched, as JPEG.
///
/// # Errors
/// As [`avatar`].
pub fn background(file: &[u8]) -> Result<Vec<u8>, PictureError> {
    let picture = read(file, BACKGROUND_OCTETS_MAX)?;
    let (width, height) = BACKGROUND_PIXELS;
    let fits = picture.width() <= width && picture.height() <= height;
    let picture = if fits {
        picture
    } else {
        picture.resize(width, height, FilterType::CatmullRom)
    };
    let picture = on_white(&picture);
    let mut jpeg = Vec::new();
    for quality in BACKGROUND_QUALITIES {
        jpeg.clear();
        let encoded = JpegEncoder::new_with_quality(&mut jpeg, quality).encode_image(&picture);
        encoded.map_err(unreadable)?;
        if jpeg.len() <= BACKGROUND_KEPT_OCTETS_MAX {
            return Ok(jpeg);
        }
    }
    Err(PictureError::Unreadable("it has too much in it".to_owned()))
}

fn unreadable(error: image::ImageError) -> PictureError {
    PictureError::Unreadable(error.to_string())
}

fn read(file: &[u8], octets_max: usize) -> Result<DynamicImage, PictureError> {
    if file.len() > octets_max {
        return Err(PictureError::Octets {
            max: octets_max,
            used: file.len(),
        });
    }
    let kind = image::guess_format(file).map_err(|_| PictureError::Kind)?;
    if !matches!(kind, ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP) {
        return Err(PictureError::Kind);
    }
    let mut reader = ImageReader::with_format(Cursor::new(file), kind);
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_PIXELS_MAX);
    limits.max_image_height = Some(SIDE_PIXELS_MAX);
    limits.max_alloc = Some(MEMORY_OCTETS_MAX);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(unreadable)?;
    // What a camera notes of how it was held goes with the metadata, so the picture itself is turned.
    let orientation = decoder.orientation().map_err(unreadable)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(unreadable)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// JPEG has no transparency: what shines through is white.
fn on_white(picture: &DynamicImage) -> RgbImage {
    let picture = picture.to_rgba8();
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [red, green, blue, alpha] = picture.get_pixel(x, y).0;
        let mix = |colour: u8| {
            let (colour, alpha) = (u16::from(colour), u16::from(alpha));
            u8::try_from((colour * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)
        };
        Rgb([mix(red), mix(green), mix(blue)])
    })
}

#[cfg(test)]
#[path = "picture_test.rs"]
mod tests;
