// An OpenID provider for one client: oidc-provider of npm, with its own forms, where any name and password sign in.
// Arguments: its port, our origin, where it tells of sessions that are over.
import Provider from "oidc-provider";

const [port, origin, logout] = process.argv.slice(2);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: "mail",
      client_secret: "a secret: of ours",
      redirect_uris: [`${origin}/sso/callback`],
      post_logout_redirect_uris: [`${origin}/`],
      backchannel_logout_uri: logout,
      backchannel_logout_session_required: true,
    },
  ],
  claims: { email: ["email", "email_verified"], profile: ["name"] },
  features: { backchannelLogout: { enabled: true }, devInteractions: { enabled: true } },
  pkce: { required: () => true },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@example.test`, email_verified: true, name: `New ${id}` }),
  }),
});
provider.listen(Number(port), "127.0.0.1", () => console.log("listening"));
