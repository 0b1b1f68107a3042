// An application that others have written signs a member in at ours: openid-client of npm, with a browser of a few lines.
import * as client from 'openid-client'

const [origin, id, secret, login, password] = process.argv.slice(2)
const back = 'https://app.example.test/back'
const out = 'https://app.example.test/out'

let session = ''

/** Goes to a place and on from there until it leads away; fills in what is asked. */
async function browse(place) {
  let request = [place, {}]
  for (let step = 0; step < 10; step += 1) {
    const [url, options] = request
    const headers = { ...options.headers, cookie: session, 'x-hongyan-request': '1' }
    const response = await fetch(url, { ...options, headers, redirect: 'manual' })
    for (const set of response.headers.getSetCookie()) {
      if (set.startsWith('__Host-hongyan-session=')) session = set.split(';')[0]
    }
    const location = response.headers.get('location')
    if (location === null) {
      const page = await response.text()
      if (!page.includes('name="password"')) throw new Error(`${response.status} ${page}`)
      const form = new URLSearchParams(new URL(url).search)
      form.set('step', 'sign-in')
      form.set('login', login)
      form.set('password', password)
      request = [`${origin}/oauth/authorize`, { method: 'POST', body: form }]
    } else {
      const next = new URL(location, url)
      if (next.origin !== origin) return next
      request = [next.href, {}]
    }
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

async function signIn(config, more) {
  const verifier = client.randomPKCECodeVerifier()
  const nonce = client.randomNonce()
  const state = client.randomState()
  const place = client.buildAuthorizationUrl(config, {
    redirect_uri: back,
    scope: 'openid profile email',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    nonce,
    state,
    ...more,
  })
  const arrived = await browse(place.href)
  const checks = { pkceCodeVerifier: verifier, expectedNonce: nonce, expectedState: state, idTokenExpected: true, maxAge: 600 }
  return [arrived, checks]
}

async function run(proof) {
  const config = await client.discovery(new URL(origin), id, secret, proof)
  // Signatures are verified with the keys that are shown, too.
  client.enableNonRepudiationChecks(config)
  const [arrived, checks] = await signIn(config, { prompt: 'login', login_hint: login })
  const tokens = await client.authorizationCodeGrant(config, arrived, checks)
  const subject = tokens.claims().sub
  const person = await client.fetchUserInfo(config, tokens.access_token, subject)
  const again = await client.refreshTokenGrant(config, tokens.refresh_token)
  if (again.claims().sub !== subject) throw new Error('somebody else was refreshed')
  const [silent, silentChecks] = await signIn(config, { prompt: 'none' })
  await client.authorizationCodeGrant(config, silent, silentChecks)
  await refused('a code for another verifier', () =>
    client.authorizationCodeGrant(config, silent, { ...silentChecks, pkceCodeVerifier: client.randomPKCECodeVerifier() }))
  const left = await browse(
    client.buildEndSessionUrl(config, { post_logout_redirect_uri: out, id_token_hint: tokens.id_token, state: 'gone' }).href)
  if (left.href !== `${out}?state=gone`) throw new Error(`it left to ${left.href}`)
  const [nobody] = await signIn(config, { prompt: 'none' })
  if (nobody.searchParams.get('error') !== 'login_required') throw new Error(`still signed in: ${nobody.href}`)
  await refused('a code that was shown', () => client.authorizationCodeGrant(config, arrived, checks))
  return person
}

const people = [await run(client.ClientSecretBasic(secret)), await run(client.ClientSecretPost(secret))]
console.log(JSON.stringify(people))
