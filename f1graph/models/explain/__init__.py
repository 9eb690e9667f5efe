"""What moves a model's word on a car away from that on an average one, and what the transformer looks at."""
