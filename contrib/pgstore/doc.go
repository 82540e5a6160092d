// Package pgstore keeps authtrip's records in PostgreSQL, so that a fleet of
// processes shares its tokens, and restarts lose none.
//
//	key := authtrip.NewSecret(os.Getenv("STORE_KEY")) // of "openssl rand -base64 32"
//	pool, err := pgxpool.New(ctx, url)
//	store := pgstore.New(pool)
//	err = store.CreateTable(ctx) // or Schema, by your own migrations
//	mgr, err := authtrip.NewManager(registrations,
//		authtrip.WithStore(store),
//		authtrip.Encryption{Keys: []authtrip.Secret{key}})
//
// A record is a row of the table authtrip_records, under its name as bytes: to
// delete one by hand, DELETE FROM authtrip_records WHERE key = 'the name'.
//
// Each change is one statement, and right at every isolation level that the
// database may have as its default. Lifetimes are told by the server's clock,
// and what has expired is swept by those who save.
//
// The pool must reach a server that takes writes: with several hosts in its
// address that is target_session_attrs=read-write. Behind a PgBouncer that pools
// transactions add default_query_exec_mode=exec, or simple_protocol.
package pgstore
