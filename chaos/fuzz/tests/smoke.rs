//! Every target on mutations of ordinary input, the same ones in every run.

/// Inputs that get far before they are broken.
const SEEDS: &[&[u8]] = &[
    include_bytes!("../../../node/saml/tests/single_sign_on/other/response.xml"),
    b"<samlp:AuthnRequest xmlns:samlp='urn:oasis:names:tc:SAML:2.0:protocol' xmlns:saml='urn:oasis:names:tc:SAML:2.0:assertion' ID='_1' Version='2.0' IssueInstant='2026-01-01T00:00:00Z' ForceAuthn='1'><saml:Issuer>https://app.test</saml:Issuer><samlp:NameIDPolicy Format='f'/><samlp:RequestedAuthnContext Comparison='minimum'><saml:AuthnContextClassRef>c</saml:AuthnContextClassRef></samlp:RequestedAuthnContext></samlp:AuthnRequest>",
    b"<samlp:LogoutRequest xmlns:samlp='urn:oasis:names:tc:SAML:2.0:protocol' xmlns:saml='urn:oasis:names:tc:SAML:2.0:assertion' ID='_1' Version='2.0' IssueInstant='2026-01-01T00:00:00Z' NotOnOrAfter='2026-01-01T00:05:00Z' Destination='d'><saml:Issuer>https://app.test</saml:Issuer><saml:NameID Format='f' NameQualifier='q' SPNameQualifier='s'>n</saml:NameID><samlp:SessionIndex>_s</samlp:SessionIndex></samlp:LogoutRequest>",
    b"<samlp:LogoutResponse xmlns:samlp='urn:oasis:names:tc:SAML:2.0:protocol' xmlns:saml='urn:oasis:names:tc:SAML:2.0:assertion' ID='_1' Version='2.0' IssueInstant='2026-01-01T00:00:00Z' InResponseTo='_0'><saml:Issuer>https://app.test</saml:Issuer><samlp:Status><samlp:StatusCode Value='urn:oasis:names:tc:SAML:2.0:status:Success'><samlp:StatusCode Value='x'/></samlp:StatusCode></samlp:Status></samlp:LogoutResponse>",
    b"<EntityDescriptor xmlns='urn:oasis:names:tc:SAML:2.0:metadata' entityID='https://app.test'><SPSSODescriptor AuthnRequestsSigned='true'><NameIDFormat>x</NameIDFormat><AssertionConsumerService Binding='urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST' Location='https://app.test/acs' index='1' isDefault='true'/></SPSSODescriptor></EntityDescriptor>",
    b"SAMLRequest=fZFPSwMxEMW%2FSm452c324GHYXShbhAVbpIoHLxJiSgP5Z2YC9dubTVvZgwpzer%2B8vHlJh9LZCJtMJ3%2FQn1kjsbOzHqGCnufkIUg0CF46jUAKnje7R1ivBMQUKKhg%2BcLyv0Mi6kQmeM6mbc%2FfW85edcIi9LzwoiJmPXkk6alIYn1%2FJ9oyL0JAnTfOHkJSum7c85YP3RwL1ZiGE1FEaBoZ44pKma5Z0u7Sdl%2F2mrZPwRr1Nd%2FmZMk68ubGrw%2BhP2rIGDzpM7ExuCiTwXlXZ7xx2d3Cl%2BdGW0oe9HFQ1%2Bxf4YX9EfVDl98yfAM%3D&RelayState=s&SigAlg=a&Signature=AA%3D%3D",
    br##"{"using":["urn:ietf:params:jmap:core"],"methodCalls":[["Email/query",{"accountId":"a","filter":{"operator":"OR","conditions":[{"text":"x"},{"inMailbox":"F1"}]},"sort":[{"property":"from"}],"position":-3},"0"],["Email/get",{"accountId":"a","#ids":{"resultOf":"0","name":"Email/query","path":"/filter/conditions/*/text"},"properties":["header:From:asAddresses:all"]},"1"]]}"##,
    br##"{"using":[],"methodCalls":[["Email/set",{"accountId":"a","update":{"#k":{"keywords/$seen":true,"mailboxIds/a~1b":null}},"create":{"k":{"mailboxIds":{"F1":true},"from":[{"name":"A","email":"a@b"}],"subject":"=?x","textBody":[{"partId":"1"}],"attachments":[{"blobId":"B1","type":"image/png","cid":"c"}],"bodyValues":{"1":{"value":"t"}}}}},"0"]],"createdIds":{"a":"b"}}"##,
    br#"/list/*/a~1b/0 {"list":[{"a/b":[1,[2]]},{"a/b":["x"]}]}"#,
    b"<?xml version='1.0'?><!-- c --><Autodiscover xmlns='u'><Request><EMailAddress>a&amp;&#64;b.test</EMailAddress><AcceptableResponseSchema><![CDATA[x]]></AcceptableResponseSchema></Request></Autodiscover>",
    br#"(userName eq "x" or not (emails[type eq "work" and value co "@b"])) and urn:ietf:params:scim:schemas:core:2.0:User:name.givenName pr"#,
    br#"emails[type eq "work"].value"#,
    br#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp","urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"a@b","emails":[{"value":"x@b","type":"work"}],"Operations":[{"op":"add","path":"emails[type eq \"work\"].value","value":"y"},{"op":"remove","path":"title"},{"op":"replace","value":{"name":{"givenName":"A"}}}]}"#,
    b"a1 LOGIN user pass\r\na2 SELECT INBOX (CONDSTORE)\r\na3 UID FETCH 1:*,5 (FLAGS BODY.PEEK[1.2.HEADER.FIELDS (A B)]<0.5>)\r\n",
    b"a4 APPEND \"x\" (\\Seen) \" 1-Jan-2024 00:00:00 +0000\" {5+}\r\nhello\r\na5 SEARCH OR (SINCE 1-Jan-2024 NOT TEXT {3+}\r\nabc) UID $\r\n",
    b"a6 LIST (SUBSCRIBED) \"\" (\"*\" \"&U,BTFw-\") RETURN (CHILDREN STATUS (MESSAGES))\r\na7 IDLE\r\nDONE\r\na8 SORT RETURN (COUNT) (REVERSE DATE) UTF-8 ALL\r\n",
    b"EHLO client.test\r\nMAIL FROM:<a@b.test> SIZE=100 BODY=8BITMIME RET=HDRS ENVID=x+2By\r\nRCPT TO:<\"q r\"@c.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x\r\nDATA\r\nSubject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n",
    b"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<x@[IPv6:::1]>\r\nBDAT 5\r\nhelloBDAT 3 LAST\r\nabcRSET\r\nVRFY x\r\nAUTH PLAIN AGEAYg==\r\n",
    b"CAPA\r\nUSER a\r\nPASS b c\r\nSTAT\r\nLIST 1\r\nUIDL\r\nTOP 1 10\r\nRETR 1\r\nDELE 1\r\nAUTH PLAIN\r\nAGEAYg==\r\nQUIT\r\n",
    b"From: =?utf-8?B?5byg5LiJ?= <a@b.test>, g: x@y, z;\r\nSubject: =?gb2312?Q?=C4=E3?=\r\n x\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\npre\r\n--b\r\nContent-Type: text/plain; charset*0=utf; charset*1=-8\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nbody\r\n--b--\r\n",
    "\"Anna Lee\" <anna.lee+box@b\u{fc}cher.example>".as_bytes(),
    b"Reporting-UA: a; b\r\nFinal-Recipient: rfc822;a@b.test\r\nOriginal-Message-ID: <1@x>\r\nDisposition: manual-action/MDN-sent-manually; displayed/error\r\nError: x\r\nX-Y: z\r\n w\r\n",
    b"Tue, 1 Jul 2003 10:52:37 +0200 (CEST)",
    b"n,a=anna@example.test,\x01host=h\x01port=143\x01auth=Bearer hya_x\x01\x01\nuser=a@b\x01auth=Bearer t\x01\x01\n\x01",
    b"response_type=code&client_id=reader&redirect_uri=http%3A%2F%2F127.0.0.1%2F&state=%E5%BC%A0+x&scope=imap",
    b"* 1 FETCH (BODY[HEADER.FIELDS (A)] {3}\r\na\r\n FLAGS (\\Seen) X {60}\r\n012345678901234567890123456789012345678901234567890123456789 UID 5)\r\n* LIST (\\Sent) \".\" {1}\r\nx\r\n* NAMESPACE ((\"a\" \"/\")) NIL NIL\r\nA1 OK [X] y\r\n",
    b"From a@b Thu Jan  1 10:00:00 2026\nSubject: x\n\n>From y\n\nFrom c@d Thu Jan  1 11:00:00 2026\n\nz\n",
    b"\x30\x14\x02\x01\x01\x60\x0f\x02\x01\x03\x04\x05a@b.c\x80\x03pwd\x30\x36\x02\x01\x02\x63\x31\x04\x04dc=x\x0a\x01\x02\x0a\x01\0\x02\x01\0\x02\x01\0\x01\x01\0\xa1\x16\xa4\x0b\x04\x02cn\x30\x05\x81\x03ann\x87\x07surname\x30\x04\x04\x02cn\x30\x05\x02\x01\x03\x42\0",
    "(&(objectClass=person)(|(cn=*\u{5f20}*)(mail=a*b*c)(!(sn~=x)))(o:dn:2.5.13.2:=\\2a))".as_bytes(),
    b"uid=anna+sn=x\\,y,ou=people, dc=example,dc=org",
    b"\x03\x01\x6a\x00\x45\x5c\x4f\x4b\x031\x00\x01\x52\x03F1\x00\x01\x57\x58\x035\x00\x01\x00\x11\x45\x46\x032\x00\x01\x47\x03512\x00\x01\x01\x01\x00\x00\x56\x48\x4d\x03M1\x00\x01\x5d\x00\x02\x55\x031\x00\x01\x7a\x7b\x032\x00\x01\x01\x00\x16\x49\xc3\x02\xff\x00\x01\x01\x01\x01\x01\x01\x00\x00\x64\x0310\x00\x01\x01",
    b"\x03\x01\x6a\x00\x00\x0d\x45\x48\x0380\x00\x01\x49\x4a\x4b\x035\x00\x01\x4c\x03Email\x00\x01\x01\x01\x01",
    b"\x03\x01\x6a\x00\x00\x0e\x45\x46\x47\x48\x03T\x00\x01\x49\x037\x00\x01\x4b\x031\x00\x01\x01\x01\x01",
    b"\x03\x01\x6a\x00\x00\x12\x45\x49\x48\x4a\x031\x00\x01\x4d\x0e\x51\x031\x00\x01\x52\x03x\x00\x01\x01\x01\x01\x56\x48\x57\x03m\x00\x01\x01\x01\x5d\x07\x01\x01",
    b"\x03\x01\x6a\x00\x00\x15\x47\x51\x031\x00\x01\x4b\x4c\x035\x00\x01\x4d\x035:1\x00\x01\x01\x09\x50\xc3\x01x\x01\x01",
    b"jRIJBARBYmMxAAJXUAcBAggBYQ==",
    b"Cmd=Sync&User=a%40b.test&DeviceId=Abc1&DeviceType=iPhone",
    b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 25\r\nEHLO x\r\n",
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\xdc\x04\0\x19EHLO x\r\n",
    b"\0\0\0\x21\x01\0\0\0\0\0\0\0\0\0\x01\0\x01\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x09\0\x02c1\0\0\0\x19\x03\0\0\0\0\0\0\0\x05\x02\0\0\0\0\0\x0f\x42\x40\0\0\0\x07abc\0\0\0\x0c\x06\0\0\0\0\0\0\0\x05abcd",
];

/// A small generator of its own, so that a failure is found again from its number alone.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % bound.max(1)
    }
}

fn mutated(number: u64) -> Vec<u8> {
    const TOKENS: &[&[u8]] = &[
        b"\r\n",
        b"\r",
        b"\n",
        b"{9999999999}\r\n",
        b"{3}\r\n",
        b"(",
        b")",
        b"\"",
        b"\0",
        b"\xFF",
        b"--b",
        b"=?",
        b"?=",
        b":",
        b" ",
        b"*",
        b".",
    ];
    let mut random = Random(number);
    let mut input = SEEDS[random.below(SEEDS.len())].to_vec();
    for _ in 0..random.below(6) {
        let at = random.below(input.len() + 1);
        match random.below(4) {
            0 => input.insert(at, random.below(256) as u8),
            1 if at < input.len() => input[at] = random.below(256) as u8,
            2 => {
                let end = (at + random.below(20)).min(input.len());
                input.drain(at..end);
            }
            _ => drop(input.splice(at..at, TOKENS[random.below(TOKENS.len())].iter().copied())),
        }
    }
    input
}

#[test]
fn no_target_panics() {
    for number in 0..8_000 {
        let input = mutated(number);
        for (name, target) in hongyan_fuzz::TARGETS {
            if std::panic::catch_unwind(|| target(&input)).is_err() {
                panic!("{name} fails on input {number}: {}", input.escape_ascii());
            }
        }
    }
}
