"""What plays where: regions, their drivers, surfaces and transitions. Imports no other wing of the stage."""
