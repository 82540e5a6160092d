package main

import (
	"context"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/nhn"
)

func TestEveryActGoesAsItSays(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := story(ctx); err != nil {
		t.Fatal(err)
	}
}

// given is a stage of one test's own.
func given(t *testing.T) *stage {
	t.Helper()
	s, end, err := newStage(t.Context())
	t.Cleanup(end)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// givenInMemory is one without sockets and without OpenStack, for a bubble.
func givenInMemory(t *testing.T, options ...authtrip.Option) *stage {
	t.Helper()
	cloud := authtest.NewNHN(authtest.InMemory())
	t.Cleanup(cloud.Close)
	src, err := nhn.NewSource(cloud.Credentials(), append(cloud.Options(), nhn.With(options...))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = src.Close() })
	return &stage{ctx: t.Context(), cloud: cloud, src: src}
}

// withoutToken makes the next request wait for another.
func (s *stage) withoutToken(t *testing.T) {
	t.Helper()
	tok, err := s.src.Token(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	s.src.Invalidate(tok)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
