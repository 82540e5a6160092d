// Package config makes registrations of a YAML file, or of environment
// variables, in the shape that Spring Boot users know: a map of registrations
// and a map of providers.
//
//	registration:
//	  cloud:
//	    provider: nhn
//	    client_id: ${NHN_USER_ACCESS_KEY_ID}
//	    client_secret_file: /run/secrets/nhn
//	  payments:
//	    provider: bank
//	    client_id: shop
//	    client_secret: ${BANK_SECRET}
//	    scope: [pay, refund]
//	provider:
//	  bank:
//	    token_uri: https://auth.bank.example/oauth2/token
//
// What [Load] returns goes to [authtrip.NewManager]:
//
//	registrations, err := config.Load("app.yml")
//	mgr, err := authtrip.NewManager(registrations)
//	src, err := mgr.Source("payments")
//
// # Where the maps stand
//
// At the top of the file, below authtrip, or below
// spring.security.oauth2.client, so that a Spring application.yml works as it
// is. At the top they have the file to themselves, and any other key is a
// fault; beside authtrip and spring other keys are other programs'. Keys down
// to the setting may be joined by dots, as in
// "spring.security.oauth2.client: …". JSON is YAML, and works too.
//
// Upper case, dashes and underscores do not count in keys and IDs: client_id,
// client-id and clientId are one, and an ID that is there in two spellings is a
// fault. The Registration has its ID as the file spells it.
//
// # Providers
//
// A registration's provider is an entry of the provider map, a preset, or both:
// nhn and nhn-gov are NHN Cloud and its government cloud (see package nhn),
// prism is B2B PRISM Live Studio (see package prism). A registration that names
// none uses the provider of its own ID, as in Spring. It may also do without:
// what a provider says can stand in the registration. The registration's keys
// go over the provider's, and those over the preset's. A single value and a
// list replace the other; the maps params, envelopes, host_headers and app_keys
// are merged. A provider that nobody uses is no fault.
//
// # Keys
//
// In a registration only:
//
//	provider                      the provider
//	client_id                     ClientID (NHN Cloud: the User Access Key ID)
//	client_secret                 ClientSecret
//	client_secret_file            a file that holds it, see below
//	refresh_token                 RefreshToken, for the principal "" alone
//	refresh_token_file            a file that holds it
//	client_name                   ignored: Spring's name for display
//
// In a registration or in a provider, for one or for all that use it; at the
// right the field of [authtrip.Registration], which says more:
//
//	client_authentication_method  ClientAuth: client_secret_basic (the default),
//	                              client_secret_basic_raw, client_secret_post,
//	                              client_secret_headers or none
//	client_id_header              ClientIDHeader
//	client_secret_header          ClientSecretHeader
//	authorization_grant_type      Grant: client_credentials (the default),
//	                              authorization_code or refresh_token
//	scope                         Scopes, a list
//	params                        Params, a map of texts or lists
//	token_uri                     TokenEndpoint.URL
//	token_method                  TokenEndpoint.Method: POST or GET
//	revocation_uri                RevocationEndpoint.URL
//	revocation_method             RevocationEndpoint.Method: POST or GET
//	expires_in_remains            ExpiresInRemains, true or false
//	headers                       Headers, a list
//	raw_token                     RawToken, true or false
//	origins                       Origins, a list
//	more_origins                  a list added to origins, or to the preset's
//	allow_http                    AllowHTTP, a list
//	reject_status                 RejectStatus, a list of numbers
//	envelopes                     Envelopes, a map by host of maps with success,
//	                              code and rejected, a list
//	host_headers                  HostHeaders, a map by host of maps by header;
//	                              the values are secrets
//
// For authorization_code only; a provider's are ignored for other grants:
//
//	authorization_uri             AuthorizationEndpoint.URL
//	redirect_uri                  RedirectURI. Spring's templates, such as
//	                              {baseUrl}, are a fault: write the whole URI
//	callback_issuer               Issuer
//	no_pkce                       NoPKCE, true or false
//	send_state                    SendState, true or false
//
// For the presets nhn and nhn-gov:
//
//	app_keys                      application keys, a map by service: rds-mysql,
//	                              rds-mariadb, and for nhn rds-postgres and
//	                              notification-hub; see nhn.AppKey. They become
//	                              host_headers in every region, and those of
//	                              the same host and name go over them. All of
//	                              the service's hosts must be in origins, if
//	                              origins replaces the preset's
//
// For the preset prism:
//
//	service_api_domain            where the service's API is; required
//	service_id                    required, unless there is a redirect_uri
//
// And those of Spring that are accepted and ignored, for they are about logging
// users in: user_info_uri, user_info_authentication_method,
// user_name_attribute, jwk_set_uri. So is issuer_uri: nothing is fetched from
// there, and the fault for a missing token_uri says so. Spring's google,
// github, facebook and okta are no presets here. A func, such as
// Registration.Authenticate, is set in code, on what Load returned.
//
// # Values
//
// A list may be one text with commas or white space between its parts. A
// single value is a text, however YAML reads it: 0123 stays 0123. An empty
// value, or none, is a fault, but for a parameter's text.
//
// ${NAME} in a value is replaced by the environment variable NAME, empty ones
// too, and ${NAME:default} by the default when it is not set; the default may
// hold variables in turn. One that is not set and has no default is a fault. \${
// stands for ${ itself, as in Spring; in double quotes YAML wants "\\${". What a
// variable or a secret file holds is taken as it is.
//
// A secret file's content is the secret, without a line break at its end. A
// path in a file is relative to that file's directory. The file is read once by
// Load, to see that it can be, and again whenever the secret is asked for, so
// that one that was replaced is picked up after the server refused the old one.
// Only regular files will do, of 64 KiB at most.
//
// # The environment
//
// These variables are settings of their own, and go over the file's, as in
// Spring:
//
//	AUTHTRIP_REGISTRATION_<ID>_<KEY>
//	AUTHTRIP_PROVIDER_<ID>_<KEY>
//	SPRING_SECURITY_OAUTH2_CLIENT_REGISTRATION_<ID>_<KEY>
//	SPRING_SECURITY_OAUTH2_CLIENT_PROVIDER_<ID>_<KEY>
//
// The key is the longest end of the name that is one, and the ID what is before
// it: AUTHTRIP_REGISTRATION_MY_SHOP_CLIENT_ID is client_id of MY_SHOP. An ID
// that the file has in any spelling is that one, so MY_SHOP is my-shop there;
// else it becomes lower case, with dashes. An empty variable is as good as
// none. A list is one text, with commas: Spring's numbered variables, such as
// …_SCOPE_0, are unknown keys. A variable of a registration that the file does
// not have makes one: unset those that are meant for other programs.
//
// The maps params, envelopes, host_headers and app_keys are written as JSON. A
// client_secret over a file's client_secret_file, or the other way round,
// replaces it. A map replaces the whole of the file's, in the same registration
// or provider. The same setting in two variables is a fault.
//
// # Faults
//
// All come together in one error, each with file and line or with the
// variable's name; what NewManager would refuse is among them:
//
//	app.yml:12: registration.payments: unknown key "client_ids"; did you mean "client_id"?
//
// No error repeats a secret, nor the path of a secret file while it is not known
// to be one, nor a broken file's text. A file may be 1 MiB long, of one YAML
// document; anchors, aliases and merge keys are fine, up to 200,000 values.
//
// YAML is read by go.yaml.in/yaml/v4: the YAML organization's own library, it
// gives every value's line, and leaves aliases to the reader to bound.
package config
