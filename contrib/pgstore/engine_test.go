package pgstore_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/authtrip/authtrip/contrib/pgstore"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// engine is a PostgreSQL server on loopback.
type engine struct {
	dir, port string
	cmd       *exec.Cmd
	ended     chan struct{}
}

func newEngine(t testing.TB) *engine {
	t.Helper()
	dir, err := os.MkdirTemp("", "pgstore") // not TempDir, which its owner cannot reach
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	uid, gid := owner(t)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	e := &engine{dir: filepath.Join(dir, "data")}
	if out, err := e.command(t, "initdb", "-D", e.dir, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	t.Cleanup(func() { e.stop(t) })
	e.start(t)
	return e
}

func (e *engine) command(t testing.TB, name string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil { // Debian has it elsewhere
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
		if len(found) == 0 {
			t.Fatalf("%v: install PostgreSQL, on Debian by \"apt-get install postgresql\"", err)
		}
		path = found[len(found)-1]
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = process(t)
	return cmd
}

// start starts it, where it was before if it has been started once. Another
// program may take the port meanwhile: then it tries again.
func (e *engine) start(t testing.TB) {
	t.Helper()
	port := e.port
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		if port == "" {
			e.port = freePort(t)
		}
		e.cmd = e.command(t, "postgres", "-D", e.dir, "-p", e.port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
			"-c", "max_connections=200", "-c", "fsync=off") // it is killed, the machine is not
		if err := e.cmd.Start(); err != nil {
			e.cmd = nil
			t.Fatal(err)
		}
		ended := make(chan struct{})
		e.ended = ended
		go func(cmd *exec.Cmd) {
			_ = cmd.Wait()
			close(ended)
		}(e.cmd)
		if e.answers(deadline) {
			return
		}
		e.stop(t)
	}
	t.Fatal("PostgreSQL does not answer")
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// answers waits until it does, and not another program on that port.
func (e *engine) answers(deadline time.Time) bool {
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	for ctx.Err() == nil {
		select {
		case <-e.ended:
			return false
		default:
		}
		conn, err := pgx.Connect(ctx, e.url("postgres"))
		if err != nil {
			continue
		}
		var dir string
		err = conn.QueryRow(ctx, "SHOW data_directory").Scan(&dir)
		_ = conn.Close(ctx)
		if err == nil {
			return dir == e.dir
		}
	}
	return false
}

// stop ends it as a crash would: nothing is written down any more, and the next
// start recovers. Its children end with it, which they would not at once if it
// were killed.
func (e *engine) stop(t testing.TB) {
	t.Helper()
	if e.cmd == nil {
		return
	}
	_ = e.cmd.Process.Signal(syscall.SIGQUIT)
	<-e.ended
	e.cmd = nil
}

func (e *engine) url(database string) string {
	return "postgres://postgres@127.0.0.1:" + e.port + "/" + database + "?sslmode=disable"
}

// database is one of the engine's. Settings are of how to connect, as in
// "&default_transaction_isolation=serializable".
type database struct{ url string }

// newDatabase makes an empty one.
func (e *engine) newDatabase(t testing.TB, name, settings string) database {
	t.Helper()
	database{e.url("postgres")}.mustExec(t, "CREATE DATABASE "+name)
	return database{e.url(name) + settings}
}

// withTable makes the table too, twice, for it may be there.
func (d database) withTable(t testing.TB) database {
	t.Helper()
	for range 2 {
		if err := pgstore.New(d.pool(t)).CreateTable(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// open returns another handle on the table.
func (d database) open(t testing.TB) *pgstore.Store {
	t.Helper()
	return pgstore.New(d.pool(t))
}

func (d database) pool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(context.Background(), d.url+"&pool_max_conns=4")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func (d database) mustExec(t testing.TB, sql string, args ...any) {
	t.Helper()
	if _, err := d.pool(t).Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}
