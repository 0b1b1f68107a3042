//! Enveloped signatures, in the profile of SAML Core §5.4: over the element that they are in, and nothing else. What is handed back
//! are the octets that were signed; whoever reads the document instead of them reads what anybody may have written.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{self, digest};

use crate::certificate::Algorithm;
use crate::xml::{EXCLUSIVE, Element, SIGNATURE, Tree};
use crate::{Certificate, Fault};

const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
/// Over what a name of its own leads to, comments are left out in either form (XML Signature §4.4.3.3).
const EXCLUSIVE_WITH_COMMENTS: &str = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments";
/// Prefixes that a canonical form keeps although nothing uses them.
const PREFIXES_MAX: usize = 32;

fn named<'d>(element: Element<'d, '_>) -> &'d str {
    element.attribute("Algorithm").unwrap_or_default()
}

fn not_taken(algorithm: &str) -> Fault {
    Fault::Algorithm(algorithm.chars().filter(|c| c.is_ascii_graphic()).take(100).collect())
}

/// The namespaces that a canonical form keeps although nothing uses them (Exclusive XML Canonicalization §2.1).
fn prefixes(method: Element<'_, '_>) -> Result<Vec<String>, Fault> {
    let Some(kept) = method.child(EXCLUSIVE, "InclusiveNamespaces")? else {
        return Ok(Vec::new());
    };
    let list = kept.attribute("PrefixList").unwrap_or_default();
    let prefixes: Vec<String> = list.split_whitespace().map(str::to_owned).collect();
    match prefixes.len() <= PREFIXES_MAX {
        true => Ok(prefixes),
        false => Err(Fault::Unreadable("a signature keeps too many prefixes")),
    }
}

fn octets(element: Element<'_, '_>) -> Result<Vec<u8>, Fault> {
    let packed: String = element.text()?.split_whitespace().collect();
    STANDARD.decode(packed).map_err(|_| Fault::Signature)
}

fn hash(name: &str) -> Option<&'static digest::Algorithm> {
    Some(match name {
        "http://www.w3.org/2001/04/xmlenc#sha256" => &digest::SHA256,
        "http://www.w3.org/2001/04/xmldsig-more#sha384" => &digest::SHA384,
        "http://www.w3.org/2001/04/xmlenc#sha512" => &digest::SHA512,
        _ => return None,
    })
}

/// The octets of an element that one of the certificates has signed, without the signature; `None` where it is not signed.
/// Neither it nor what says so may be longer than `octets_max` in their canonical form.
pub(crate) fn signed(
    element: Element<'_, '_>,
    certificates: &[Certificate],
    octets_max: usize,
) -> Result<Option<String>, Fault> {
    let Some(signature) = element.child(SIGNATURE, "Signature").map_err(|_| Fault::Reference)? else {
        return Ok(None);
    };
    let info = signature.need(SIGNATURE, "SignedInfo")?;
    let method = info.need(SIGNATURE, "CanonicalizationMethod")?;
    if named(method) != EXCLUSIVE {
        return Err(not_taken(named(method)));
    }
    let canonical = info.canonical(None, &prefixes(method)?, octets_max)?;
    // From here on only what was made canonical is read: a comment within a digest is not part of what was signed.
    let tree = Tree::read(&canonical, canonical.len())?;
    let info = tree.root()?;
    let method = named(info.need(SIGNATURE, "SignatureMethod")?);
    let algorithm = Algorithm::named(method).ok_or_else(|| not_taken(method))?;
    let value = octets(signature.need(SIGNATURE, "SignatureValue")?)?;
    let is_known = |certificate: &Certificate| certificate.has_signed(&algorithm, canonical.as_bytes(), &value);
    if !certificates.iter().any(is_known) {
        return Err(Fault::Signature);
    }
    let reference = info.child(SIGNATURE, "Reference").map_err(|_| Fault::Reference)?;
    let reference = reference.ok_or(Fault::Reference)?;
    let text = referred((element, signature), reference, octets_max)?;
    Ok(Some(text))
}

/// What a signature is over, if it is the element that it is in and was not changed.
fn referred<'d, 't>(
    (element, signature): (Element<'d, 't>, Element<'d, 't>),
    reference: Element<'_, '_>,
    octets_max: usize,
) -> Result<String, Fault> {
    let own = element.attribute("ID").filter(|id| !id.is_empty());
    let name = reference.attribute("URI").and_then(|place| place.strip_prefix('#'));
    if own.is_none() || own != name {
        return Err(Fault::Reference);
    }
    let transforms: Vec<Element<'_, '_>> = reference
        .need(SIGNATURE, "Transforms")?
        .children(SIGNATURE, "Transform")
        .collect();
    let [enveloped, canonical] = transforms[..] else {
        return Err(not_taken("other transforms than enveloped-signature and xml-exc-c14n"));
    };
    if named(enveloped) != ENVELOPED {
        return Err(not_taken(named(enveloped)));
    }
    if ![EXCLUSIVE, EXCLUSIVE_WITH_COMMENTS].contains(&named(canonical)) {
        return Err(not_taken(named(canonical)));
    }
    let text = element.canonical(Some(signature), &prefixes(canonical)?, octets_max)?;
    let method = named(reference.need(SIGNATURE, "DigestMethod")?);
    let algorithm = hash(method).ok_or_else(|| not_taken(method))?;
    let expected = octets(reference.need(SIGNATURE, "DigestValue")?)?;
    match digest(algorithm, text.as_bytes()).as_ref() == expected {
        true => Ok(text),
        false => Err(Fault::Digest),
    }
}
