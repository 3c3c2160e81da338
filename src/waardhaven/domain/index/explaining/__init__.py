"""Why a weight and a level are what they are: a build taken apart, never computed in another way."""
