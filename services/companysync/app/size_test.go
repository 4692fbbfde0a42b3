//go:build !race

package app_test

// customersOfAServer is how many customers a whole server is compared with.
const customersOfAServer = 3000
