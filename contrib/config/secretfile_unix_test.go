//go:build unix

package config_test

import (
	"strings"
	"syscall"
	"testing"
)

func TestSecretFilesThatWillNotDo(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, "empty-s3cr3t", "")
	write(t, "blank-s3cr3t", "\n")
	write(t, "long-s3cr3t", strings.Repeat("x", 64<<10+1))
	if err := syscall.Mkfifo("pipe-s3cr3t", 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, "rotated", "s3cr3t")
	file := func(path string) string {
		return strings.Replace(one(), "client_secret: s3cr3t", "client_secret_file: "+path, 1)
	}
	const says = "app.yml:4: registration.a: client_secret_file "
	checkTold(t, map[string]told{
		"none":        {file("s3cr3t"), says + "cannot be read: no such file or directory"},
		"a directory": {file("/"), says + "cannot be read: it is no regular file"},
		"a pipe":      {file("pipe-s3cr3t"), says + "cannot be read: it is no regular file"},
		"empty":       {file("empty-s3cr3t"), says + "cannot be read: it is empty"},
		"a line end":  {file("blank-s3cr3t"), says + "cannot be read: it is empty"},
		"too long":    {file("long-s3cr3t"), says + "cannot be read: it is longer than 64 KiB"},
		"a NUL":       {file(`"a\0s3cr3t"`), says + "cannot be read: invalid argument"},
		"no path":     {file("''"), says + "is empty: write a value, or take the key out"},
		"raw Basic's colon": {
			strings.Replace(file("rotated")+"    client_authentication_method: client_secret_basic_raw", "client_id: id", "client_id: i:d", 1),
			"app.yml:3: registration.a: client_id holds a colon, which raw Basic cannot carry (RFC 7617 §2)",
		},
	})
}
