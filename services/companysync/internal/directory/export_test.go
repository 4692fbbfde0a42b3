package directory

// Condition is what is asked of a server, for tests that read it as a server does.
var Condition = condition
