/** For files that the Worker never calls. Each name of them is undefined here, so a call throws. */
module.exports = {}
