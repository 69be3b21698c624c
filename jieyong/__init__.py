"""The program: command line, composition, embedded services, supervision."""
