// Prints what an address answers, as a Go program gets it: its HTTP client asks for gzip and unpacks it by itself, as
// Prometheus' does.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	if err := fetch(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func fetch(url string) error {
	answer, err := http.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK || !answer.Uncompressed {
		return fmt.Errorf("%s, unpacked: %t", answer.Status, answer.Uncompressed)
	}
	_, err = io.Copy(os.Stdout, answer.Body)
	return err
}
