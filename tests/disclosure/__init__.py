"""`make disclosure`: an attacker with every rendition that the public ever had learns too little of each hidden count."""
