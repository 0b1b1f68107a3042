// An application that others have written signs a member in at ours: node-saml of npm, with a browser of a few lines.
import { readFileSync } from 'node:fs'
import nodeSaml from '@node-saml/node-saml'

const [origin, entityId, issuer, start, login, password, keyFile, otherKeyFile] = process.argv.slice(2)
const callbackUrl = 'https://app.example.test/acs'
const signedOutUrl = 'https://app.example.test/slo'

let session = ''
/** What the browser keeps while it goes round. */
let leaving = ''

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

/** Goes to a place of ours, and on from there while it leads on here: the page that it comes to. */
async function visit(place, options = {}) {
  const cookie = [session, leaving].filter((kept) => kept !== '').join('; ')
  const response = await fetch(place, { ...options, headers: { cookie, 'x-hongyan-request': '1' }, redirect: 'manual' })
  for (const set of response.headers.getSetCookie()) {
    const kept = set.includes('Max-Age=0') ? '' : set.split(';')[0]
    if (set.startsWith('__Host-hongyan-session=')) session = kept
    if (set.startsWith('__Host-hongyan-leave=')) leaving = kept
  }
  const location = response.headers.get('location')
  return location === null ? await response.text() : visit(new URL(location, place).href)
}

/** The query with which a page leads to the application's place for signing out. */
function carried(page) {
  const place = plain(page.match(/<a href="([^"]+)"/)?.[1] ?? '')
  if (!place.startsWith(`${signedOutUrl}?`)) throw new Error(`it leads elsewhere: ${page}`)
  return place.slice(signedOutUrl.length + 1)
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
const logoutUrl = metadata.match(/<md:SingleLogoutService [^>]*Location="([^"]+)"/)[1]
const entryPoint = metadata.match(/<md:SingleSignOnService [^>]*Location="([^"]+)"/)[1]
const settings = {
  callbackUrl,
  issuer,
  idpCert,
  entryPoint,
  logoutUrl,
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
// The application signs out: the session here is over, and it is told so.
const read = (query) => redirecting.validateRedirectAsync(Object.fromEntries(new URLSearchParams(query)), query)
const foreign = new nodeSaml.SAML({ ...settings, privateKey: readFileSync(otherKeyFile, 'utf8') })
const untrue = await visit(await foreign.getLogoutUrlAsync(people[0], '', {}))
if (untrue.includes(signedOutUrl)) throw new Error('a request of another key was followed')
const left = carried(await visit(await redirecting.getLogoutUrlAsync(people[0], 'bye', {})))
if (new URLSearchParams(left).get('RelayState') !== 'bye') throw new Error('the state is lost')
await refused('a forged answer', () => read(left.replace('RelayState=bye', 'RelayState=buy')))
const answered = (await read(left)).loggedOut
const over = session === ''
// We sign out: the application is told, and answers.
const again = { SAMLResponse: value(await browse(await redirecting.getAuthorizeUrlAsync('', undefined, {})), 'SAMLResponse') }
const present = (await redirecting.validatePostResponseAsync(again)).profile
const asking = carried(await visit(`${origin}/sso/logout`, { method: 'POST' }))
const told = (await read(asking)).profile
const answer = await redirecting.getLogoutResponseUrlAsync(told, '', {}, true)
const end = await visit(answer)
const asked = told.nameID === present.nameID && told.sessionIndex === present.sessionIndex
// One that says that it has not, is named.
await browse(await redirecting.getAuthorizeUrlAsync('', undefined, {}))
const unwilling = (await read(carried(await visit(`${origin}/sso/logout`, { method: 'POST' })))).profile
const failed = await visit(await redirecting.getLogoutResponseUrlAsync(unwilling, '', {}, false))
console.log(
  JSON.stringify({
    people,
    signed_out: { answered, over, asked, through: end.includes('You are signed out'), named: failed.includes('You may still be') },
  }),
)
