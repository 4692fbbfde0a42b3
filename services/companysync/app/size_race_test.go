//go:build race

package app_test

// customersOfAServer is fewer here: under the race detector most of the time would go into filling the fake server.
const customersOfAServer = 300
