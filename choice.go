package authtrip

import (
	"context"
	"slices"
	"strings"
)

// choice is which token of a Manager a request is for.
type choice struct {
	registration string
	principal    string
	scopes       []string
}

type choiceKey struct{}

func choiceOf(ctx context.Context) choice {
	c, _ := ctx.Value(choiceKey{}).(choice)
	return c
}

func (c choice) in(ctx context.Context) context.Context {
	return context.WithValue(ctx, choiceKey{}, c)
}

// WithRegistration returns a context whose requests get their token from the
// registration with that ID, when they go through a [Transport] of a [Manager].
// A Transport of a Source has made its choice and heeds none.
func WithRegistration(ctx context.Context, id string) context.Context {
	c := choiceOf(ctx)
	c.registration = id
	return c.in(ctx)
}

// WithPrincipal returns a context whose requests get that user's token, when
// they go through a [Transport] of a [Manager]. A client credentials token is
// the client's own: there the principal does not matter.
func WithPrincipal(ctx context.Context, principal string) context.Context {
	c := choiceOf(ctx)
	c.principal = principal
	return c.in(ctx)
}

// WithScopes returns a context whose requests get a token for these scopes
// instead of the registration's, when they go through a [Transport] of a
// [Manager]. Of a user's token they must be some of what the user granted
// (RFC 6749 §6). None stands for the registration's.
func WithScopes(ctx context.Context, scopes ...string) context.Context {
	c := choiceOf(ctx)
	c.scopes = sortedSet(scopes)
	return c.in(ctx)
}

// sortedSet is the scopes in order, each once: a token's key does not depend on
// how they were listed.
func sortedSet(scopes []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(scopes)))
}

// flightKey names the flights of an entry in its Manager.
func (e *entry) flightKey() string {
	var b strings.Builder
	for _, part := range []string{e.client.ID, e.principal} {
		b.WriteString(strings.ReplaceAll(part, "\x00", "\x00\x01"))
		b.WriteString("\x00\x02")
	}
	if e.client.scoped() != nil {
		b.WriteString(strings.Join(e.client.asked(), " "))
	}
	return b.String()
}
