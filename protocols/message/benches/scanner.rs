//! What the scanner costs a mail: it is on the path of every delivery.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hongyan_message::parse;
use std::hint::black_box;

const HEADER: &str = "Return-Path: <anna@example.test>\r\n\
    Received: from mx.example.test (mx.example.test [192.0.2.1])\r\n\tby mail.example.test with ESMTPS id 1\r\n\tfor <bob@example.test>; Tue, 15 Nov 1994 08:12:31 +0000\r\n\
    DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.test; s=1;\r\n\th=from:to:subject:date; bh=MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=;\r\n\tb=MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=\r\n\
    From: =?utf-8?q?Anna_M=C3=BCller?= <anna@example.test>\r\nTo: Bob <bob@example.test>, carol@example.test\r\n\
    Subject: =?utf-8?B?5Lya6K6u57qq6KaB?=\r\nDate: Tue, 15 Nov 1994 08:12:31 +0000\r\nMessage-ID: <1@example.test>\r\n\
    References: <a@example.test>\r\n <b@example.test>\r\nMIME-Version: 1.0\r\nX-Mailer: test\r\n";

fn plain() -> Vec<u8> {
    let mut mail = HEADER.to_owned();
    mail.push_str("Content-Type: text/plain; charset=utf-8\r\n\r\n");
    while mail.len() < 8 * 1024 {
        mail.push_str("The quick brown fox jumps over the lazy dog and writes home about it.\r\n");
    }
    mail.into_bytes()
}

fn alternative() -> Vec<u8> {
    let mut mail = HEADER.to_owned();
    mail.push_str("Content-Type: multipart/alternative; boundary=\"=_alt\"\r\n\r\n--=_alt\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n");
    while mail.len() < 4 * 1024 {
        mail.push_str("=E4=BC=9A=E8=AE=AE=E7=BA=AA=E8=A6=81 and some text in between, soft=\r\n");
    }
    mail.push_str(
        "\r\n--=_alt\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
    );
    while mail.len() < 8 * 1024 {
        mail.push_str("<p style=3D\"color: red\">The quick brown fox &amp; the lazy dog</p>\r\n");
    }
    mail.push_str("\r\n--=_alt--\r\n");
    mail.into_bytes()
}

fn attachment(octets: usize) -> Vec<u8> {
    let mut mail = HEADER.to_owned();
    mail.push_str("Content-Type: multipart/mixed; boundary=\"=_mix\"\r\n\r\n--=_mix\r\n\r\nsee attachment\r\n--=_mix\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    while mail.len() < octets {
        mail.push_str("MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3\r\n");
    }
    mail.push_str("--=_mix--\r\n");
    mail.into_bytes()
}

fn scanner(c: &mut Criterion) {
    for (name, mail) in [
        ("plain_8k", plain()),
        ("alternative_8k", alternative()),
        ("attachment_8k", attachment(8 * 1024)),
        ("attachment_1m", attachment(1024 * 1024)),
    ] {
        let mut group = c.benchmark_group("scanner");
        group.throughput(Throughput::Bytes(mail.len() as u64));
        group.bench_function(name, |b| b.iter(|| parse(black_box(&mail))));
        group.finish();
    }
}

fn transfer(c: &mut Criterion) {
    let mail = attachment(1024 * 1024);
    let structure = parse(&mail);
    let part = structure.section(&[2]).cloned().unwrap_or_default();
    let start = usize::try_from(part.body_offset()).unwrap_or(0);
    let mut group = c.benchmark_group("transfer");
    group.throughput(Throughput::Bytes(part.body_octets));
    group.bench_function("base64_1m", |b| {
        b.iter(|| hongyan_message::transfer::decode(&part.encoding, black_box(&mail[start..])))
    });
    group.finish();
}

criterion_group!(benches, scanner, transfer);
criterion_main!(benches);
