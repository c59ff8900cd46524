// What the tests of web configurations hold the exporter against.
//
//	toolkit check FILE            exporter-toolkit's own judgement of a file
//	toolkit serve FILE ADDRESS    a server on its package
//	toolkit certificates FOLDER   certificates of every kind that the tests need
package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"

	"github.com/prometheus/exporter-toolkit/web"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	switch {
	case len(arguments) == 2 && arguments[0] == "check":
		return web.Validate(arguments[1])
	case len(arguments) == 3 && arguments[0] == "serve":
		return serve(arguments[1], arguments[2])
	case len(arguments) == 2 && arguments[0] == "certificates":
		return certificates(arguments[1])
	}
	return fmt.Errorf("toolkit check FILE | serve FILE ADDRESS | certificates FOLDER")
}

func serve(file, address string) error {
	http.HandleFunc("/-/healthy", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, "healthy\n")
	})
	systemd := false
	flags := &web.FlagConfig{WebListenAddresses: &[]string{address}, WebSystemdSocket: &systemd, WebConfigFile: &file}
	return web.ListenAndServe(&http.Server{}, flags, slog.New(slog.NewTextHandler(os.Stdout, nil)))
}
