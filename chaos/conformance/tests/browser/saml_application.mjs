// An application that others have written signs a member in at ours: node-saml of npm, with a browser of a few lines.
import { readFileSync } from 'node:fs'
import nodeSaml from '@node-saml/node-saml'

const [origin, entityId, issuer, start, login, password, keyFile] = process.argv.slice(2)
const callbackUrl = 'https://app.example.test/acs'

let session = ''

/** What a value in a page stands for. */
function plain(text) {
  return text.replace(/&quot;/g, '"').replace(/&#39;/g, "'").replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&amp;/g, '&')
}

function value(page, name) {
  return plain(page.match(new RegExp(`name="${name}" value="([^"]*)"`))[1])
}

/** Goes to a place and on from there until a page posts a response; fills in what is asked. */
async function browse(place, options = {}) {
  let request = [place, options]
  for (let step = 0; step < 10; step += 1) {
    const [url, sent] = request
    const headers = { ...sent.headers, cookie: session, 'x-hongyan-request': '1' }
    const response = await fetch(url, { ...sent, headers, redirect: 'manual' })
    for (const set of response.headers.getSetCookie()) {
      if (set.startsWith('__Host-hongyan-session=')) session = set.split(';')[0]
    }
    const location = response.headers.get('location')
    if (location !== null) {
      request = [new URL(location, url).href, {}]
      continue
    }
    const page = await response.text()
    if (page.includes('name="SAMLResponse"')) {
      if (!page.includes(`action="${callbackUrl}"`)) throw new Error(`it goes elsewhere: ${page}`)
      return page
    }
    if (!page.includes('name="password"')) throw new Error(`${response.status} ${page}`)
    const form = new URLSearchParams(new URL(url).search)
    form.set('step', page.includes('name="login"') ? 'sign-in' : 'prove')
    form.set('login', login)
    form.set('password', password)
    request = [`${origin}/sso/saml/continue`, { method: 'POST', body: form }]
  }
  throw new Error('it leads nowhere')
}

/** Fails unless it fails. */
async function refused(what, work) {
  try {
    await work()
  } catch {
    return
  }
  throw new Error(`${what} was taken`)
}

const metadata = await (await fetch(entityId)).text()
const idpCert = metadata.match(/<ds:X509Certificate>\s*([^<\s]+)/)[1]
const entryPoint = metadata.match(/<md:SingleSignOnService [^>]*Location="([^"]+)"/)[1]
const settings = {
  callbackUrl,
  issuer,
  idpCert,
  entryPoint,
  audience: issuer,
  idpIssuer: entityId,
  wantAssertionsSigned: true,
  wantAuthnResponseSigned: true,
  privateKey: readFileSync(keyFile, 'utf8'),
  signatureAlgorithm: 'sha256',
  digestAlgorithm: 'sha256',
  validateInResponseTo: 'always',
}
const people = []
// By HTTP-Redirect, signed beside it.
const redirecting = new nodeSaml.SAML(settings)
const first = await browse(await redirecting.getAuthorizeUrlAsync('state-of-ours', undefined, {}))
if (value(first, 'RelayState') !== 'state-of-ours') throw new Error('the state is lost')
const response = { SAMLResponse: value(first, 'SAMLResponse') }
people.push((await redirecting.validatePostResponseAsync(response)).profile)
await refused('a response that was shown', () => redirecting.validatePostResponseAsync(response))
// By HTTP-POST, signed within, by somebody who is signed in and proves it again.
const posting = new nodeSaml.SAML({ ...settings, authnRequestBinding: 'HTTP-POST', skipRequestCompression: true, forceAuthn: true })
const form = await posting.getAuthorizeFormAsync('')
const body = new URLSearchParams({ SAMLRequest: value(form.replace(/\s+/g, ' '), 'SAMLRequest') })
const second = { SAMLResponse: value(await browse(entryPoint, { method: 'POST', body }), 'SAMLResponse') }
people.push((await posting.validatePostResponseAsync(second)).profile)
// From a portal, which has not been asked.
const waiting = new nodeSaml.SAML({ ...settings, validateInResponseTo: 'never' })
const third = { SAMLResponse: value(await browse(start), 'SAMLResponse') }
const text = Buffer.from(third.SAMLResponse, 'base64').toString()
const forged = { SAMLResponse: Buffer.from(text.replaceAll(login, `x${login}`)).toString('base64') }
await refused('a forged response', () => waiting.validatePostResponseAsync(forged))
people.push((await waiting.validatePostResponseAsync(third)).profile)
// What asks for more than there is, is told so.
const strict = new nodeSaml.SAML({ ...settings, authnContext: ['https://refeds.org/profile/mfa'] })
const fourth = { SAMLResponse: value(await browse(await strict.getAuthorizeUrlAsync('', undefined, {})), 'SAMLResponse') }
await refused('a weak sign-in', () => strict.validatePostResponseAsync(fourth))
console.log(JSON.stringify(people))
