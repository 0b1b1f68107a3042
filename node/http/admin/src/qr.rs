//! A text as a QR code: an SVG image that is sharp at any size, dark on white whatever the page around it looks like.

use std::fmt::Write;

use qrcodegen::{QrCode, QrCodeEcc};

/// Light modules around it, which readers need (ISO/IEC 18004).
const QUIET_MODULES: i32 = 4;

/// The image; `None` for a text that is too long for one.
pub(crate) fn svg(text: &str) -> Option<String> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let side = code.size() + 2 * QUIET_MODULES;
    let mut dark = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            let _ = write!(dark, "M{},{}h1v1h-1z", x + QUIET_MODULES, y + QUIET_MODULES);
        }
    }
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0,0h{side}v{side}H0z\"/><path fill=\"#000\" d=\"{dark}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mem_5_a_link_is_a_code_with_its_three_corners() {
        let image = svg("https://mail.example.test/join/hyi_abcdefghijklmnopqrstuvwxyz0123456789").unwrap();
        assert!(image.starts_with("<svg ") && image.ends_with("</svg>"), "{image}");
        // The frame of the first corner begins right behind the quiet zone, and its light ring is not dark.
        assert!(
            image.contains("M4,4h1v1h-1z") && !image.contains("M5,5h1v1h-1z"),
            "{image}"
        );
        assert_eq!(svg(&"x".repeat(3_000)), None);
    }
}
