package main

// Program and processes talk in JSON: first the program tells a process its task,
// then it gives orders, and the process reports after each.

// task is what a process needs to know. It holds secrets: it goes through a pipe,
// and is not printed.
type task struct {
	Process, Workers int
	AuthURL, APIURL  string
	// The client's at the authorization server.
	UserAccessKeyID, SecretAccessKey string
	// Redis, and the key that seals what it keeps.
	RedisAddr, RedisPassword, EncryptionKey string
}

type order string

const (
	send  order = "send"  // all workers send requests, beginning now
	rest  order = "rest"  // no worker does; reported when the last one has its answer
	count order = "count" // just report
)

// report is what happened in a process since it reported last.
type report struct {
	Requests, Failed int
	Failures         []string // the first few
	// StoreChanges is what Hooks.StoreChanged was told: how the Store fails, and
	// "" each time it works again.
	StoreChanges []string
}
