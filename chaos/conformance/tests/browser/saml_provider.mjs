// An identity provider that others have written signs a member in here: samlp of npm, with a browser of a few lines.
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import samlp from 'samlp'
import SessionParticipants from 'samlp/lib/sessionParticipants/index.js'

const [origin, issuer, keyFile, certificateFile, mail, signed] = process.argv.slice(2)
const signedOutUrl = 'https://login.example.test/slo'
const cookies = new Map()

async function go(place, options = {}) {
  const cookie = [...cookies].map(([name, kept]) => `${name}=${kept}`).join('; ')
  const response = await fetch(place, { ...options, headers: { cookie }, redirect: 'manual' })
  for (const set of response.headers.getSetCookie()) {
    const [name, kept] = set.split(';')[0].split(/=(.*)/s)
    if (set.includes('Max-Age=0')) cookies.delete(name)
    else cookies.set(name, kept)
  }
  return response
}

const page = await (await go(`${origin}/sso/start?organisation=dev&return=/oauth/device`)).text()
const departure = new URL(page.match(/<a href="([^"]+)"/)[1].replace(/&amp;/g, '&'))
const query = Object.fromEntries(departure.searchParams)
const asked = await promisify(samlp.parseRequest)({ method: 'GET', query, get: () => '' }, {})
const user = { id: 'one', displayName: 'One', name: { givenName: 'O', familyName: 'Ne' }, emails: [{ value: mail }] }
const answer = async (more) =>
  promisify(samlp.getSamlResponse)(
    {
      issuer,
      key: readFileSync(keyFile, 'utf8'),
      cert: readFileSync(certificateFile, 'utf8'),
      audience: asked.issuer,
      recipient: asked.assertionConsumerServiceURL,
      destination: asked.assertionConsumerServiceURL,
      inResponseTo: asked.id,
      signatureAlgorithm: 'rsa-sha256',
      digestAlgorithm: 'sha256',
      lifetimeInSeconds: 60,
      sessionIndex: '_s1',
      ...more,
    },
    user,
  )
const post = async (text) => {
  const body = new URLSearchParams({ SAMLResponse: Buffer.from(text).toString('base64') })
  // A form of another site comes without cookies.
  return fetch(asked.assertionConsumerServiceURL, { method: 'POST', body, redirect: 'manual' })
}
const refusals = []
for (const wrong of [{ audience: 'https://other.example.test' }, { signatureAlgorithm: 'rsa-sha1' }, { inResponseTo: '_other;' }]) {
  refusals.push((await post(await answer(wrong))).status)
}
const forged = (await answer({})).replaceAll(mail, 'user2@example.test')
refusals.push((await post(forged)).status)
const good = await answer({ signResponse: signed === 'both' })
const taken = await post(good)
const arrived = await go(new URL(taken.headers.get('location') ?? '/none', origin).href)
refusals.push((await post(good)).status)
const shown = await (await go(new URL(arrived.headers.get('location') ?? '/none', origin).href)).text()
const isIn = async () => (await (await go(`${origin}/oauth/device`)).text()).includes('name="user_code"')

// What the provider keeps of those that it goes round to.
const kept = new Map()
const store = {
  save: (_, state, done) => {
    const handle = `h${kept.size + 1}`
    kept.set(handle, state)
    done(null, handle)
  },
  load: (_, handle, options, done) => (done ?? options)(null, kept.get(handle)),
  update: (_, handle, state, done) => {
    kept.set(handle, state)
    done(null)
  },
}
const metadata = await (await go(asked.issuer)).text()
const ours = metadata.match(/<md:SingleLogoutService [^>]*Location="([^"]+)"/)[1]
const certificate = metadata.match(/<ds:X509Certificate>\s*([^<\s]+)/)[1]
const pem = `-----BEGIN CERTIFICATE-----\n${certificate.match(/.{1,64}/g).join('\n')}\n-----END CERTIFICATE-----\n`
const [, format, nameId] = good.match(/<saml:NameID(?: Format="([^"]*)")?[^>]*>([^<]*)</)
const participant = {
  serviceProviderId: asked.issuer,
  nameId,
  nameIdFormat: format,
  sessionIndex: '_s1',
  serviceProviderLogoutURL: ours,
  cert: pem,
  binding: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect',
}
/** The provider's page for signing out, asked with a query: where it sends the browser, or that it is through. */
const provider = (participants, query = {}) =>
  new Promise((resolve, reject) => {
    const leave = samlp.logout({
      issuer,
      deflate: true,
      key: readFileSync(keyFile, 'utf8'),
      cert: readFileSync(certificateFile, 'utf8'),
      signatureAlgorithm: 'rsa-sha256',
      digestAlgorithm: 'sha256',
      protocolBinding: participant.binding,
      destination: ours,
      sessionParticipants: participants,
      store,
    })
    const response = { redirect: (place) => resolve(place), send: (status) => resolve(status), set: () => response }
    leave({ query, body: {}, method: 'GET' }, response, reject)
  })
/** Goes on here until a page leads back to the provider: with which query. */
const visit = async (place, options) => {
  const response = await go(place, options)
  const location = response.headers.get('location')
  if (location !== null) return visit(new URL(location, place).href)
  const page = await response.text()
  const back = page.match(/<a href="([^"]+)"/)?.[1].replace(/&amp;/g, '&') ?? ''
  return back.startsWith(`${signedOutUrl}?`) ? Object.fromEntries(new URL(back).searchParams) : {}
}
// The provider signs out: the session here is over, and it is told so.
const others = new SessionParticipants([{ ...participant, sessionIndex: '_s2' }])
const strange = await visit(await provider(others))
const untouched = await isIn()
const participants = new SessionParticipants([participant])
const answered = await visit(await provider(participants))
const over = !(await isIn())
const through = await provider(participants, answered)
console.log(
  JSON.stringify({
    refusals,
    taken: taken.status,
    arrived: arrived.status,
    signed_in: shown.includes('name="user_code"'),
    signed_out: { strange: strange.SAMLResponse !== undefined, untouched, over, through },
  }),
)
