"""What passes that train do in torch; the passes import it when they run, since torch takes a second."""
