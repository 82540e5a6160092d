// Package nhn is the preset for NHN Cloud's public API: its authorization
// server, its two token headers and the hosts that take the token.
//
//	creds, err := nhn.CredentialsFromEnv()
//	client, err := nhn.NewClient(creds)
//	res, err := client.Get("https://core.api.nhncloudservice.com/v1/organizations")
//
// It follows NHN Cloud > Public API > "API Call and Authentication". A token
// ends early when it is revoked, when the access key's tokens are expired
// through the framework API, or when the key is stopped; the server then
// rejects it, and the request is sent again with a new one. A secret that was
// re-issued is picked up when [authtrip.Registration].Credentials is set.
package nhn
