//! ValidateCert: whether certificates are good ([MS-ASCMD] §2.2.1.22).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::body::flag;
use crate::command::{number, root};
use crate::page::validate_cert as page;
use crate::status::statuses;
use crate::{CommandError, Element, ProtocolVersion, Tag};

statuses! {
    /// [MS-ASCMD] §2.2.3.177.18.
    CertificateStatus {
        /// It is good; of the whole: all were looked at.
        Success = 1,
        /// The request is none.
        ProtocolError = 2,
        /// Its signature cannot be checked.
        SignatureNotValidated = 3,
        /// Nobody who is trusted vouches for it.
        Untrusted = 4,
        /// Its chain is none.
        InvalidChain = 5,
        /// It is not for signing mail.
        NotForSigning = 6,
        /// It is not valid yet, or no more.
        Expired = 7,
        /// It was taken back.
        Revoked = 13,
        /// Whether it was taken back is not known.
        RevocationUnknown = 14,
        /// It failed here.
        ServerError = 17,
    }
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidateCertRequest {
    /// Those between the certificates and who is trusted, in DER.
    pub chain: Vec<Vec<u8>>,
    /// The certificates, in DER.
    pub certificates: Vec<Vec<u8>>,
    /// Whether lists of those that were taken back are to be asked.
    pub check_crl: bool,
}

impl ValidateCertRequest {
    /// Reads it.
    ///
    /// # Errors
    /// It is none: 2, or 101 for another command's.
    pub fn read(body: &Element, _version: ProtocolVersion) -> Result<Self, CommandError> {
        root(body, page::VALIDATE_CERT)?;
        let wrong = CommandError::new(2, "ValidateCert has no certificate, or one that is no base64");
        let list = |tag: Tag| {
            let found = body.children(tag).flat_map(|list| list.children(page::CERTIFICATE));
            let octets = found.map(|one| STANDARD.decode(one.own_text().trim()).map_err(|_| wrong));
            octets.collect::<Result<Vec<_>, _>>()
        };
        let certificates = list(page::CERTIFICATES)?;
        if certificates.is_empty() {
            return Err(wrong);
        }
        Ok(Self {
            chain: list(page::CERTIFICATE_CHAIN)?,
            certificates,
            check_crl: flag(body, page::CHECK_CRL),
        })
    }

    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        let list = |tag, certificates: &[Vec<u8>]| {
            let texts = certificates.iter().map(|octets| STANDARD.encode(octets));
            Element::new(tag).with_all(texts.map(|text| Element::of_text(page::CERTIFICATE, text)))
        };
        let chain = (!self.chain.is_empty()).then(|| list(page::CERTIFICATE_CHAIN, &self.chain));
        let check = self.check_crl.then(|| Element::of_text(page::CHECK_CRL, "1"));
        Element::new(page::VALIDATE_CERT)
            .with_all(chain)
            .with(list(page::CERTIFICATES, &self.certificates))
            .with_all(check)
    }
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidateCertResponse {
    /// Of the whole.
    pub status: CertificateStatus,
    /// Of each certificate, in order.
    pub certificates: Vec<CertificateStatus>,
}

impl ValidateCertResponse {
    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        let said = |tag, status: CertificateStatus| Element::new(tag).number(page::STATUS, status.number());
        let certificates = self.certificates.iter();
        said(page::VALIDATE_CERT, self.status).with_all(certificates.map(|status| said(page::CERTIFICATE, *status)))
    }

    /// Reads it.
    ///
    /// # Errors
    /// It is none.
    pub fn read(body: &Element) -> Result<Self, CommandError> {
        root(body, page::VALIDATE_CERT)?;
        let wrong = CommandError::invalid("ValidateCert answers with no status that there is");
        let status = |element: &Element| {
            let status = number(element, page::STATUS, wrong)?.and_then(CertificateStatus::from_number);
            status.ok_or(wrong)
        };
        Ok(Self {
            status: status(body)?,
            certificates: body.children(page::CERTIFICATE).map(status).collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::testing::{octets, tree};

    #[test]
    fn acc_4_both_ways() {
        let request = ValidateCertRequest {
            chain: Vec::new(),
            certificates: vec![b"cert".to_vec()],
            check_crl: true,
        };
        let golden = b"\x03\x01\x6a\x00\x00\x0b\x45\x46\x47\x03Y2VydA==\x00\x01\x01\x49\x031\x00\x01\x01";
        assert_eq!(octets(&request.write()), golden);
        let read = |body: &Element| ValidateCertRequest::read(body, ProtocolVersion::V14_1);
        assert_eq!(read(&tree(golden)), Ok(request.clone()));
        let chained = ValidateCertRequest {
            chain: vec![vec![0, 255]],
            check_crl: false,
            ..request
        };
        assert_eq!(read(&chained.write()), Ok(chained));
        let certificate = Element::new(page::CERTIFICATES).text(page::CERTIFICATE, "*");
        for (body, status) in [
            (Element::new(page::VALIDATE_CERT), 2),
            (Element::new(page::VALIDATE_CERT).with(certificate), 2),
            (Element::new(page::CERTIFICATES), 101),
        ] {
            assert_eq!(read(&body).unwrap_err().status, status);
        }
        let response = ValidateCertResponse {
            status: CertificateStatus::Success,
            certificates: vec![CertificateStatus::Untrusted],
        };
        let golden = b"\x03\x01\x6a\x00\x00\x0b\x45\x4a\x031\x00\x01\x47\x4a\x034\x00\x01\x01\x01";
        assert_eq!(octets(&response.write()), golden);
        assert_eq!(ValidateCertResponse::read(&tree(golden)), Ok(response));
    }
}
